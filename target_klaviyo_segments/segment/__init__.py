"""A record becomes a profile, profiles become batches. Pure: no clock, socket, file or thread."""

"""What a person does about rows that were not delivered: one table, of every reason code there is. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Advice(NamedTuple):
    """`title` in a few words, what the code means, and what to do about it."""

    title: str
    meaning: str
    remedy: str


ADVICE = {
    "email_missing": Advice(
        "No e-mail address",
        "The mapped e-mail property is missing, null or empty.",
        "Fill it in at the source, or leave such people out of the segment. When it is every row, `email_field` names "
        "the wrong property.",
    ),
    "email_not_text": Advice(
        "E-mail address is not text",
        "The mapped e-mail property holds a number, a list or an object.",
        "Look which property `email_field` names; have the source give the address as text.",
    ),
    "email_invalid": Advice(
        "E-mail address is not valid",
        "Klaviyo would refuse it, and the whole import job with it: no @, a blank inside, or over 100 characters.",
        "Correct the address at the source. The rejects file has each row.",
    ),
    "schema_mismatch": Advice(
        "Contradicts its schema",
        "The record is not what the tap's own SCHEMA says, or lacks a key property.",
        "Mend the source or the tap. If the rows are right and the schema is wrong, set `validate_records` to false.",
    ),
    "not_an_object": Advice(
        "Not an object",
        "What the tap sent as a record is a list, a text or a number.",
        "That is a defect of the tap: report it there, with the line from the rejects file.",
    ),
    "profile_too_large": Advice(
        "Too large",
        "The profile has more than Klaviyo takes for one person, 100 KB.",
        "Leave long columns out by `unmapped_fields: drop`, or do not select them in the tap.",
    ),
    "not_mapped": Advice(
        "Stream map failed",
        "A stream map or the flattening does not work on this record.",
        "Correct the expression in `stream_maps`, and let the tap send the row once more: `--retry` leaves it out. The "
        "rejects file says which record it failed on.",
    ),
    "delete_marker_of_nobody": Advice(
        "Delete marker of nobody",
        "The row says that somebody left, with neither an e-mail address nor a key to tell who.",
        "Select the table's primary key in the tap, or let the source log old rows whole (REPLICA IDENTITY FULL).",
    ),
    "klaviyo_refused": Advice(
        "Klaviyo refused the row",
        "Klaviyo named the row when it refused the request; the other rows of the request went again without it.",
        "Klaviyo's own words are in the rejects file: correct the value they name, then send the row again.",
    ),
    "klaviyo_import_error": Advice(
        "Import error in Klaviyo",
        "Klaviyo took the row, and its import job ended with an error for it.",
        "Klaviyo's own words are in the rejects file. Often two profiles there claim one address or phone number: "
        "merge them in Klaviyo, then send the row again.",
    ),
    "body_too_large": Advice(
        "Too large for one request",
        "Klaviyo found the request too large although this row was alone in it.",
        "Leave long columns out by `unmapped_fields: drop`, or do not select them in the tap.",
    ),
    "segment_missing": Advice(
        "No segment named",
        "With `segment_field` each row names its segment, and this one names none.",
        "Fill the property in at the source.",
    ),
    "segment_not_text": Advice(
        "Segment is not text",
        "The property of `segment_field` holds a list or an object.",
        "Have the source give the segment's name as text.",
    ),
    "segment_not_selected": Advice(
        "Segment not selected",
        "The segment that the row names is none of those in `segments`.",
        "Add it to `segments` if it is to be exported; such rows count as filtered.",
    ),
    "segment_unknown": Advice(
        "Segment has no list",
        "No list in Klaviyo belongs to the segment that the row names.",
        "Name the list in `segments`, or make it in Klaviyo.",
    ),
    "segment_is_address": Advice(
        "Segment is an e-mail address",
        "The row names an address as its segment. Names of segments are told in logs and reports, addresses never.",
        "Most often `segment_field` names the wrong property. If a list is meant, give the value in `segments`.",
    ),
    "not_delivered": Advice(
        "Not delivered",
        "The run broke off, or an import job was cancelled or never ended.",
        "Run again: no STATE has passed these rows.",
    ),
}


def advice_on(code: str) -> Advice:
    """What to say about a code, also one that a newer or older release wrote."""
    return ADVICE.get(code) or Advice(code.replace("_", " "), "See the rejects file.", "See the rejects file.")

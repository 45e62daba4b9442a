"""The report for people: one page of HTML that needs no network, no script and no font."""

"""The tables, as the steps that made them. A step is never changed once released: a new one is added."""

from __future__ import annotations

from target_klaviyo_segments.ledger.names import email_of

# "kseg" in ASCII, at byte 68 of the file: tells our ledger from any other SQLite file.
APPLICATION_ID = 0x6B736567

_FIRST = """
CREATE TABLE runs (
  n INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL UNIQUE,
  connection TEXT NOT NULL,
  version TEXT NOT NULL,
  began REAL NOT NULL,
  ended REAL,
  status TEXT,
  counts TEXT NOT NULL
);

CREATE TABLE streams (n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE lists (n INTEGER PRIMARY KEY, list_id TEXT NOT NULL UNIQUE);

-- A batch about to be sent. Its rows are `rows.n` from `low` on, until all have their fate and are posted.
CREATE TABLE intents (
  n INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  stream INTEGER NOT NULL,
  list INTEGER NOT NULL,
  began REAL NOT NULL,
  closed REAL,
  size INTEGER NOT NULL,
  low INTEGER,
  delivered INTEGER NOT NULL DEFAULT 0,
  undelivered INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX open_intents ON intents (n) WHERE closed IS NULL;
CREATE INDEX kept_intents ON intents (n) WHERE low IS NOT NULL;

-- `spans` is JSON: first and last position of each contiguous part.
CREATE TABLE jobs (
  n INTEGER PRIMARY KEY,
  intent INTEGER NOT NULL,
  job_id TEXT NOT NULL,
  at REAL NOT NULL,
  size INTEGER NOT NULL,
  spans TEXT NOT NULL
);
CREATE INDEX jobs_of_intent ON jobs (intent);

-- The journal: rows in the order of sending, and fates of spans of them in the order of settling.
CREATE TABLE rows (
  n INTEGER PRIMARY KEY,
  person TEXT NOT NULL,
  number INTEGER NOT NULL,
  fingerprint INTEGER NOT NULL,
  key TEXT
);
CREATE TABLE fates (
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  intent INTEGER NOT NULL,
  low INTEGER NOT NULL,
  high INTEGER NOT NULL,
  delivered INTEGER NOT NULL,
  at INTEGER NOT NULL
);
CREATE INDEX fates_by_row ON fates (low);
CREATE TABLE posted (fate INTEGER NOT NULL);
INSERT INTO posted VALUES (0);

-- `person` is the list's number, a space, the e-mail: SQLite compares one text a third faster than two columns.
-- `stream` delivered them last, `also` are others that did before: they stay while one of them has them.
CREATE TABLE members (
  person TEXT PRIMARY KEY,
  id TEXT,
  fingerprint INTEGER,
  key TEXT,
  stream INTEGER NOT NULL,
  also INTEGER,
  at INTEGER NOT NULL,
  run INTEGER NOT NULL,
  fate INTEGER NOT NULL
) WITHOUT ROWID;
"""

# What is to be done for a person once their row is delivered: one of a kind for each stream, the newest. `intent` and
# `position` are the row that it waits for, NULL once that is delivered. `rests_until` is NULL until it is done; from
# then on the same errand (`print` is its body's fingerprint, the body is gone) is not done again before that moment.
_ERRANDS = """
CREATE TABLE errands (
  kind TEXT NOT NULL,
  stream INTEGER NOT NULL,
  person TEXT NOT NULL,
  print INTEGER NOT NULL,
  body TEXT,
  intent INTEGER,
  position INTEGER,
  rests_until REAL,
  PRIMARY KEY (kind, stream, person)
) WITHOUT ROWID;
CREATE INDEX errands_waiting ON errands (intent, position) WHERE intent IS NOT NULL;
CREATE INDEX errands_ready ON errands (kind, stream, person) WHERE intent IS NULL AND rests_until IS NULL;
"""

# With `null_fields: clear` alone. What rows of the journal give a person and what they say has no value, until they are
# posted; what each stream gave to whom, and which of it is to be cleared.
_GIVEN = """
CREATE TABLE marks (n INTEGER PRIMARY KEY, gives INTEGER NOT NULL, nulls INTEGER NOT NULL);
CREATE TABLE given (
  email TEXT NOT NULL,
  stream INTEGER NOT NULL,
  fields INTEGER NOT NULL,
  due INTEGER NOT NULL,
  PRIMARY KEY (email, stream)
) WITHOUT ROWID;
CREATE INDEX due ON given (stream, email) WHERE due <> 0;
"""

# `also` was the number of one other stream, and is JSON of all of them, with the keys by which they have the person.
_ALSO = "UPDATE members SET also = json_object(CAST(also AS TEXT), NULL) WHERE typeof(also) = 'integer'"

# What runs that have not ended have counted so far, a row a stream, as JSON: the whole of it is written once, at the
# end, into `runs.counts`. A run that was killed is reported from here.
_COUNTED = """
CREATE TABLE counted (run INTEGER NOT NULL, stream TEXT NOT NULL, counts TEXT NOT NULL, UNIQUE (run, stream));
"""

# Whose row said no while another way of its stream may have their errand: see `declined.py`.
_DECLINED = """
CREATE TABLE declined (
  email TEXT NOT NULL,
  kind TEXT NOT NULL,
  stream INTEGER NOT NULL,
  list INTEGER NOT NULL,
  source TEXT NOT NULL,
  PRIMARY KEY (email, kind, stream, list)
) WITHOUT ROWID;
"""

# Made when keys are first asked for: they cost every delivery, and only log-based streams with deletes need them.
INDEXES_OF_KEYS = (
    "CREATE INDEX IF NOT EXISTS members_by_key ON members (key) WHERE key IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS members_shared ON members (person) WHERE also IS NOT NULL",
)

# Made when it is first asked whether other lists' deliveries changed somebody: a second copy of every address.
INDEX_OF_EMAILS = f"CREATE INDEX IF NOT EXISTS members_by_email ON members ({email_of('person')})"

# Step n leads from `user_version` n to n + 1.
STEPS: tuple[str, ...] = (_FIRST, _ERRANDS, _GIVEN, _ALSO, _COUNTED, _DECLINED)

-- What was taken in lately is looked for by its time.

CREATE INDEX journal_taken_in ON journal (at) WHERE what = 'received';

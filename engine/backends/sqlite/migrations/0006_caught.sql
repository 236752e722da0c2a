-- What could not be asked when an event was decided: decided again it is caught again, whatever answers by then.

ALTER TABLE inbox ADD COLUMN caught TEXT NOT NULL DEFAULT '';

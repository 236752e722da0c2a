-- Who decided what of one work item or revision is looked for by what it is about.

CREATE INDEX audit_about ON audit (target, seq);

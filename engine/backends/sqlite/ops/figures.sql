-- What the rows say of each received event, equal stories counted together; see ports.store.figures for the rules.
-- Ranks: 5 work item, 4 in flight, 3 discarded, 2 superseded, 1 applied, 0 filtered, -1 not selected. The largest wins.
-- A story is a JSON list with one [rank of the outcome, filter's reason, [[sink, rank], ..], [sinks of open work items]]
-- for the event's own row and for each of its continuations.
WITH RECURSIVE
received AS MATERIALIZED (
  SELECT rowid AS r, route, amount, currency, duplicates FROM inbox
  WHERE segment = '' AND (:route = '' OR route = :route)
    AND (:since = '' OR day >= :since) AND (:until = '' OR day <= :until)
),
-- Rows that say what became of r: its own, and those of its continuations. x is null: not continued yet.
part (r, x) AS (
  SELECT r, r FROM received
  UNION
  SELECT part.r, c.rowid FROM part
  JOIN inbox AS i ON i.rowid = part.x AND i.kind = 'step_state'
  JOIN member AS m ON m.event_id = i.id AND m.route = i.route
  LEFT JOIN inbox AS c ON c.segment <> '' AND c.route = i.route
    AND c.id = continuation_id(m.route, m.step, m.name, m.generation)
  UNION
  SELECT part.r, c.rowid FROM part
  JOIN inbox AS i ON i.rowid = part.x AND i.kind = 'step_state'
  JOIN timer AS t ON t.kind = 'delay' AND t.route = i.route AND t.key = i.id
  LEFT JOIN inbox AS c ON c.segment <> '' AND c.route = i.route AND c.id = t.id
),
told AS (
  SELECT part.r, json_array(
    CASE
      WHEN part.x IS NULL THEN 4
      WHEN i.kind = 'work_item' AND i.state = 'open' THEN 4
      WHEN i.kind = 'work_item' THEN CASE (
          SELECT w.state FROM work_item AS w WHERE w.subject = i.id AND w.route = i.route AND w.level = 'event'
          ORDER BY w.updated DESC LIMIT 1
        ) WHEN 'discarded' THEN 3 WHEN 'resolved' THEN 1 ELSE 5 END
      WHEN i."plan" = '' THEN 4
      WHEN i.kind = 'filtered' THEN 0
      WHEN i.kind = 'step_state'
        AND NOT EXISTS (SELECT 1 FROM member AS m WHERE m.event_id = i.id AND m.route = i.route)
        AND NOT EXISTS (SELECT 1 FROM timer AS t WHERE t.kind = 'delay' AND t.route = i.route AND t.key = i.id) THEN 4
      ELSE -1
    END,
    CASE i.kind WHEN 'filtered' THEN i.reason ELSE '' END,
    json((SELECT json_group_array(json_array(json_extract(d.value, '$[0]'), CASE
        WHEN json_extract(d.value, '$[3]') = 'bus' THEN CASE i.state WHEN 'routed' THEN 1 ELSE 4 END
        ELSE CASE l.state WHEN 'applied' THEN 1 WHEN 'superseded' THEN 2 WHEN 'discarded' THEN 3
          WHEN 'work_item' THEN 5 ELSE 4 END END))
      FROM json_each(i.planned) AS d
      LEFT JOIN ledger AS l ON l.day = json_extract(d.value, '$[1]') AND l.id = json_extract(d.value, '$[2]'))),
    json((SELECT json_group_array(w.sink) FROM work_item AS w
      WHERE (w.event_id = i.id OR w.subject = i.id) AND w.route = i.route AND w.state = 'open'
        AND NOT {of_another_record}))
  ) AS said
  FROM part LEFT JOIN inbox AS i ON i.rowid = part.x
),
story AS (
  SELECT received.route, received.amount, received.currency, received.duplicates,
    '[' || group_concat(told.said) || ']' AS text
  FROM received JOIN told ON told.r = received.r
  GROUP BY received.r
)
SELECT route, text, amount, currency, count(*), sum(duplicates) FROM story GROUP BY 1, 2, 3, 4 ORDER BY 1

-- How each received event ended, in its route (sink '') and in each sink; see ports.store.figures for the rules.
-- Ranks: 5 work item, 4 in flight, 3 discarded, 2 superseded, 1 applied, 0 filtered, -1 not selected. The largest wins.
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
base AS MATERIALIZED (
  SELECT part.r, max(i.reason) FILTER (WHERE i.kind = 'filtered') AS reason, max(CASE
    WHEN part.x IS NULL THEN 4
    WHEN i.kind = 'work_item' AND i.state = 'open' THEN 4
    WHEN i.kind = 'work_item' THEN CASE (
        SELECT w.state FROM work_item AS w WHERE w.event_id = i.id AND w.route = i.route AND w.level = 'event'
        ORDER BY w.updated DESC LIMIT 1
      ) WHEN 'discarded' THEN 3 WHEN 'resolved' THEN 1 ELSE 5 END
    WHEN i."plan" = '' THEN 4
    WHEN i.kind = 'filtered' THEN 0
    WHEN i.kind = 'step_state'
      AND NOT EXISTS (SELECT 1 FROM member AS m WHERE m.event_id = i.id AND m.route = i.route)
      AND NOT EXISTS (SELECT 1 FROM timer AS t WHERE t.kind = 'delay' AND t.route = i.route AND t.key = i.id) THEN 4
    ELSE -1 END) AS rank
  FROM part LEFT JOIN inbox AS i ON i.rowid = part.x
  GROUP BY part.r
),
delivery AS MATERIALIZED (
  SELECT part.r, json_extract(d.value, '$[0]') AS sink, max(CASE
    WHEN json_extract(d.value, '$[3]') = 'bus' THEN CASE i.state WHEN 'routed' THEN 1 ELSE 4 END
    ELSE CASE l.state WHEN 'applied' THEN 1 WHEN 'superseded' THEN 2 WHEN 'discarded' THEN 3
      WHEN 'work_item' THEN 5 ELSE 4 END END) AS rank
  FROM part
  JOIN inbox AS i ON i.rowid = part.x
  JOIN json_each(i.planned) AS d
  LEFT JOIN ledger AS l ON l.day = json_extract(d.value, '$[1]') AND l.id = json_extract(d.value, '$[2]')
  GROUP BY 1, 2
),
waiting AS MATERIALIZED (
  SELECT DISTINCT part.r, w.sink FROM part
  JOIN inbox AS i ON i.rowid = part.x
  JOIN work_item AS w ON w.event_id = i.id AND w.route = i.route AND w.state = 'open'
),
told AS MATERIALIZED (
  SELECT r, sink, rank FROM delivery
  UNION ALL SELECT r, '', max(rank) FROM delivery GROUP BY r
  UNION ALL SELECT r, sink, 5 FROM waiting
  UNION ALL SELECT r, '', 5 FROM waiting
),
place AS MATERIALIZED (
  SELECT route, '' AS sink FROM received
  UNION SELECT received.route, delivery.sink FROM delivery JOIN received USING (r)
),
fate AS (
  SELECT i.r, i.route, place.sink, i.amount, i.currency, i.duplicates, base.reason,
    max(base.rank, coalesce(max(told.rank), -1)) AS rank
  FROM received AS i
  JOIN place ON place.route = i.route
  JOIN base ON base.r = i.r
  LEFT JOIN told ON told.r = i.r AND told.sink = place.sink
  GROUP BY i.r, place.sink
)
SELECT route, sink, rank, CASE rank WHEN 0 THEN reason ELSE '' END, amount, currency, count(*), sum(duplicates)
FROM fate
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY 1, 2

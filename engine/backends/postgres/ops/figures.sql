-- Figures of each route and each of its sinks, by outcome and currency; see ports.store.figures for the rules.
-- Ranks: 5 work item, 4 in flight, 3 discarded, 2 superseded, 1 applied, 0 filtered, -1 not selected. The largest wins.
WITH RECURSIVE
received AS MATERIALIZED (
  SELECT route, day, id, amount, currency, duplicates, kind = 'step_state' AS kept FROM inbox
  WHERE segment = '' AND ($1 = '' OR route = $1) AND ($2 = '' OR day >= $2) AND ($3 = '' OR day <= $3)
),
-- Rows that say what became of an event kept by a cut: its own, and those of its continuations, wherever they are kept
-- again. at_id is null: not continued yet.
continued (route, day, id, at_day, at_id) AS (
  SELECT route, day, id, day, id FROM received WHERE kept
  UNION
  SELECT p.route, p.day, p.id, c.day, c.id
  FROM continued AS p
  JOIN inbox AS i ON i.route = p.route AND i.day = p.at_day AND i.id = p.at_id AND i.kind = 'step_state'
  CROSS JOIN LATERAL (
    SELECT g.continuation FROM member AS m JOIN step_group AS g USING (route, step, name, generation)
    WHERE m.event_id = i.id AND m.route = i.route
    UNION
    SELECT t.id FROM timer AS t WHERE t.kind = 'delay' AND t.route = i.route AND t.key = i.id
  ) AS following (id)
  LEFT JOIN inbox AS c ON c.segment <> '' AND c.route = p.route AND c.id = following.id
),
part AS (
  SELECT route, day, id, day AS at_day, id AS at_id FROM received WHERE NOT kept
  UNION ALL
  SELECT * FROM continued
),
told AS MATERIALIZED (
  SELECT part.route, part.day, part.id, part.at_id, i.state, i.planned,
    CASE i.kind WHEN 'filtered' THEN i.reason ELSE '' END AS reason,
    CASE
      WHEN i.id IS NULL THEN 4
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
    END AS rank
  FROM part LEFT JOIN inbox AS i ON i.route = part.route AND i.day = part.at_day AND i.id = part.at_id
),
delivery AS MATERIALIZED (
  SELECT told.route, told.day, told.id, d.planned ->> 0 AS sink,
    CASE
      WHEN d.planned ->> 3 = 'bus' THEN CASE told.state WHEN 'routed' THEN 1 ELSE 4 END
      ELSE CASE l.state WHEN 'applied' THEN 1 WHEN 'superseded' THEN 2 WHEN 'discarded' THEN 3 WHEN 'work_item' THEN 5
        ELSE 4 END
    END AS rank
  FROM told CROSS JOIN LATERAL json_array_elements(told.planned) AS d (planned)
  LEFT JOIN ledger AS l ON l.day = d.planned ->> 1 AND l.id = d.planned ->> 2
),
waiting AS (
  SELECT told.route, told.day, told.id, w.sink, 5 AS rank FROM told
  JOIN work_item AS w ON w.state = 'open' AND w.route = told.route AND w.event_id = told.at_id
    AND NOT {of_another_record}
  UNION ALL
  SELECT told.route, told.day, told.id, w.sink, 5 FROM told
  JOIN work_item AS w ON w.state = 'open' AND w.route = told.route AND w.subject = told.at_id
),
-- Sink '' is the route as a whole.
place AS (
  SELECT DISTINCT route, '' AS sink FROM received
  UNION
  SELECT DISTINCT route, sink FROM delivery
),
-- From here on by grouping alone: a planner that takes these sets for small would join them row by row.
-- Sink null is the event itself, '' the route as a whole.
told_of AS (
  SELECT route, day, id, NULL AS sink, rank, reason FROM told
  UNION ALL
  SELECT f.route, f.day, f.id, place.sink, f.rank, ''
  FROM (SELECT * FROM delivery UNION ALL SELECT * FROM waiting) AS f
  CROSS JOIN LATERAL (VALUES (''), (f.sink)) AS place (sink)
),
worst AS (
  SELECT route, day, id, sink, max(rank) AS rank, max(reason) AS reason FROM told_of GROUP BY 1, 2, 3, 4
),
event AS (
  SELECT route, day, id, max(rank) FILTER (WHERE sink IS NULL) AS rank, max(reason) AS reason,
    jsonb_object_agg(sink, rank) FILTER (WHERE sink IS NOT NULL) AS at_sink,
    max(amount) AS amount, max(currency) AS currency, max(duplicates) AS duplicates
  FROM (
    SELECT route, day, id, sink, rank, reason, NULL AS amount, NULL AS currency, NULL::bigint AS duplicates FROM worst
    UNION ALL
    SELECT route, day, id, NULL, NULL, '', amount, currency, duplicates FROM received
  ) AS known
  GROUP BY 1, 2, 3
),
fate AS (
  SELECT route, place.sink, greatest(event.rank, (event.at_sink ->> place.sink)::int) AS rank, event.reason,
    event.amount, event.currency, event.duplicates
  FROM event JOIN place USING (route)
)
SELECT route, sink, rank, CASE rank WHEN 0 THEN reason ELSE '' END AS because, currency, count(*) AS events,
  sum(nullif(amount, '')::numeric) AS amount, sum(duplicates)::bigint AS duplicates
FROM fate GROUP BY 1, 2, 3, 4, 5

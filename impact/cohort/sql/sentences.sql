-- Sentences that make an event: a release from custody, or the start of a sentence in the community.
-- Of several events of a person on one day, the one sentenced last.
SELECT who, started_on, day, disposal_place, group_place
FROM (
  SELECT
    who,
    started_on,
    sentenced_on,
    CASE WHEN disposal = 'custody' THEN released_on ELSE started_on END AS day,
    disposal,
    disposals.place AS disposal_place,
    offence_group,
    offence_groups.place AS group_place
  FROM sentence
  JOIN numbered USING (person_id)
  JOIN disposals USING (disposal)
  JOIN offence_groups USING (offence_group)
) AS events
WHERE day IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY who, day ORDER BY sentenced_on DESC, offence_group, disposal, started_on) = 1
ORDER BY who, day

-- Everyone, in the order that numbers them.
SELECT
  person_id,
  sex,
  ethnicity,
  coalesce(birth_date, CAST(birth_month || '-15' AS DATE)) AS born,
  birth_date IS NULL AND birth_month IS NOT NULL AS month_only,
  died_on,
  district,
  imd_decile
FROM person
LEFT JOIN area USING (lsoa)
ORDER BY person_id

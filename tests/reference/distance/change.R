# Paired t and signed-rank tests of base R on the readings in readings.csv, to change.csv.
# Run from this folder: Rscript change.R
readings <- read.csv("readings.csv")
sleepers <- with(sleep, data.frame(scale = "sleep", person = as.integer(ID), wave = as.integer(group), score = extra))
all <- rbind(readings, sleepers)
rows <- lapply(split(all, all$scale), function(part) {
  part <- part[order(part$person, part$wave), ]
  before <- part$score[part$wave == 1]
  after <- part$score[part$wave == 2]
  t <- t.test(after, before, paired = TRUE)
  moved <- (after - before)[after != before]
  plain <- length(moved) == length(before) && !anyDuplicated(round(abs(moved), 9))
  w <- suppressWarnings(wilcox.test(after, before, paired = TRUE, exact = plain, correct = TRUE, digits.rank = 9))
  data.frame(scale = part$scale[1], n = length(before), estimate = unname(t$estimate), std_error = t$stderr,
             statistic = unname(t$statistic), p_value = t$p.value, conf_low = t$conf.int[1], conf_high = t$conf.int[2],
             signed_rank = unname(w$statistic), signed_rank_p = w$p.value, exact = plain)
})
table <- do.call(rbind, rows)
table$p_holm <- p.adjust(table$p_value, "holm")
table$p_bh <- p.adjust(table$p_value, "BH")
table[] <- lapply(table, function(x) if (is.double(x)) formatC(x, digits = 17, format = "g") else x)
write.csv(table, "change.csv", row.names = FALSE, quote = FALSE)

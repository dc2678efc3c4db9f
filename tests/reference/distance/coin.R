# Exact signed-rank and sign-flip tests of coin on the changes in coin_changes.csv, to coin.csv.
# Run from this folder: Rscript coin.R
suppressMessages(library(coin))
changes <- read.csv("coin_changes.csv")
rows <- lapply(split(changes$change, changes$case), function(change) {
  n <- length(change)
  long <- data.frame(score = c(rep(0, n), change), wave = factor(rep(c("before", "after"), each = n), levels = c("after", "before")),
                     person = factor(rep(seq_len(n), 2)))
  ranks <- wilcoxsign_test(change ~ rep(0, n), distribution = exact(), zero.method = "Wilcoxon")
  flips <- symmetry_test(score ~ wave | person, data = long, distribution = exact())
  data.frame(n = n, signed_rank_p = c(pvalue(ranks)), flip_p = c(pvalue(flips)))
})
table <- cbind(case = names(rows), do.call(rbind, rows))
table[] <- lapply(table, function(x) if (is.double(x)) formatC(x, digits = 17, format = "g") else x)
write.csv(table, "coin.csv", row.names = FALSE, quote = FALSE)

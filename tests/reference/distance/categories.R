# Exact McNemar and sign tests (stats), Stuart-Maxwell and the sign-flip test (coin) on made-up tables, to categories.csv.
# Run from this folder: Rscript categories.R
suppressPackageStartupMessages(library(coin))
options(digits = 17)
tables <- list(
  two = matrix(c(20, 3, 11, 6), 2), two_small = matrix(c(2, 0, 5, 1), 2),
  three = matrix(c(20, 3, 0, 10, 30, 5, 5, 15, 40), 3), three_small = matrix(c(1, 0, 1, 2, 1, 0, 3, 1, 2), 3),
  four = matrix(c(9, 1, 0, 2, 4, 8, 2, 1, 3, 5, 7, 0, 1, 2, 6, 5), 4)
)
rows <- lapply(names(tables), function(name) {
  counts <- tables[[name]]
  k <- nrow(counts)
  up <- sum(counts[upper.tri(counts)])
  down <- sum(counts[lower.tri(counts)])
  exact <- binom.test(up, up + down)
  labels <- as.character(seq_len(k))
  dimnames(counts) <- list(before = labels, after = labels)
  mh <- mh_test(as.table(counts))
  data.frame(table = name, k = k, counts = paste(t(counts), collapse = " "), up = up, down = down,
             p_value = exact$p.value, odds_low = exact$conf.int[1] / (1 - exact$conf.int[1]),
             odds_high = exact$conf.int[2] / (1 - exact$conf.int[2]),
             homogeneity = as.numeric(statistic(mh)), homogeneity_p = as.numeric(pvalue(mh)))
})
table <- do.call(rbind, rows)
table[] <- lapply(table, function(x) if (is.double(x)) sprintf("%.17g", x) else x)
write.csv(table, "categories.csv", row.names = FALSE, quote = FALSE)

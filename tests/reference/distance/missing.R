# Multiple imputation of a second reading (mice, method norm), Rubin's rules (mice::pool.scalar), to missing.csv.
# The readings made up here go to missing_readings.csv. Run from this folder: Rscript missing.R
suppressPackageStartupMessages(library(mice))
set.seed(7)
n <- 120
before <- round(rnorm(n, 20, 5))
after <- round(4 + 0.7 * before + rnorm(n, 0, 4))
seen <- runif(n) < plogis(-1.5 + 0.1 * before)
data <- data.frame(who = seq_len(n), before = before, after = ifelse(seen, after, NA))
write.csv(data, "missing_readings.csv", row.names = FALSE, quote = FALSE, na = "")
m <- 2000
made <- mice(data[, c("before", "after")], m = m, method = "norm", maxit = 1, printFlag = FALSE, seed = 11)
q <- u <- numeric(m)
for (i in seq_len(m)) {
  d <- complete(made, i)
  change <- d$after - d$before
  q[i] <- mean(change)
  u[i] <- var(change) / n
}
all <- pool.scalar(q, u, n = n, k = 1)
few <- pool.scalar(q[1:5], u[1:5], n = n, k = 1)
table <- data.frame(what = c("all", "few"), estimate = c(all$qbar, few$qbar), std_error = sqrt(c(all$t, few$t)),
                    df = c(all$df, few$df), within = c(all$ubar, few$ubar), between = c(all$b, few$b))
table[] <- lapply(table, function(x) if (is.double(x)) sprintf("%.17g", x) else x)
write.csv(table, "missing.csv", row.names = FALSE, quote = FALSE)
drawn <- data.frame(q = sprintf("%.17g", q[1:5]), u = sprintf("%.17g", u[1:5]))
write.csv(drawn, "missing_pooled.csv", row.names = FALSE, quote = FALSE)

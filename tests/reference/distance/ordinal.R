# Cumulative logit with a random intercept (ordinal::clmm, 15 nodes) and without (ordinal::clm, MASS::polr, and errors
# clustered by person with sandwich), to ordinal.csv; the readings made up here go to ordinal_readings.csv.
# Run from this folder: Rscript ordinal.R
suppressPackageStartupMessages({library(ordinal); library(MASS); library(sandwich)})
set.seed(3)
n <- 150
counts <- sample(1:5, n, replace = TRUE)
who <- rep(seq_len(n), counts)
months <- round(runif(length(who), 0, 12), 2)
site <- rbinom(n, 1, 0.5)[who]
latent <- 0.1 * months + 0.6 * site + 1.4 * rnorm(n)[who] + rlogis(length(who))
score <- c(1, 2, 4, 5, 8)[cut(latent, c(-Inf, -1, 0.2, 1, 2.5, Inf), labels = FALSE)]
data <- data.frame(who, months, site, score)
write.csv(data, "ordinal_readings.csv", row.names = FALSE, quote = FALSE)
data$who <- factor(data$who)
data$y <- factor(data$score, ordered = TRUE)
rows <- list()
add <- function(model, term, estimate, std_error = NA)
  rows[[length(rows) + 1]] <<- data.frame(model = model, term = term, estimate = estimate, std_error = std_error)
# clmm stops a little short and sums its modes loosely: its likelihood is given too, at its estimates.
tight <- clmm.control(gradTol = 1e-9, maxIter = 500, useMatrix = FALSE, innerCtrl = "noWarn")
mixed <- clmm(y ~ months + site + (1 | who), data, nAGQ = 15, control = tight)
s <- coef(summary(mixed))
add("mixed", rownames(s), s[, 1], s[, 2])
add("mixed", c("spread", "log_likelihood"), c(as.numeric(mixed$ST[[1]]), as.numeric(logLik(mixed))))
plain <- clm(y ~ months + site, data = data, control = clm.control(gradTol = 1e-10))
s <- coef(summary(plain))
add("plain", rownames(s), s[, 1], s[, 2])
add("plain", "log_likelihood", as.numeric(logLik(plain)))
s <- sqrt(diag(vcovCL(plain, data$who)))
add("clustered", names(s), coef(plain), s)
proportional <- polr(y ~ months + site, data, Hess = TRUE, control = list(reltol = 1e-15))
add("polr", c(names(coef(proportional)), names(proportional$zeta)), c(coef(proportional), proportional$zeta))
new <- data.frame(months = c(0, 12), site = c(0, 1))
chance <- predict(plain, new, type = "prob", se.fit = TRUE)
for (i in 1:2) add(paste("chance", i), levels(data$y), chance$fit[i, ], chance$se.fit[i, ])
table <- do.call(rbind, rows)
table[] <- lapply(table, function(x) if (is.double(x)) sprintf("%.17g", x) else x)
write.csv(table, "ordinal.csv", row.names = FALSE, quote = FALSE)

# Random-effects meta-analyses of metafor, to synthesis.csv; the data go to synthesis_data.csv.
# Run from this folder: Rscript synthesis.R
suppressMessages(library(metafor))
schools <- data.frame(set = "schools", term = LETTERS[1:8], estimate = c(28, 8, -3, 7, -1, 1, 18, 12),
                      std_error = c(15, 10, 16, 11, 9, 11, 10, 18), moderator = 0)
bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
bcg <- data.frame(set = "bcg", term = sprintf("%02d", bcg$trial), estimate = as.numeric(bcg$yi),
                  std_error = sqrt(bcg$vi), moderator = bcg$ablat)
agree <- data.frame(set = "agree", term = letters[1:4], estimate = c(-0.051, -0.049, -0.05, -0.0505),
                    std_error = c(0.03, 0.04, 0.02, 0.05), moderator = 0)
three <- data.frame(set = "three", term = letters[1:3], estimate = c(-0.12, 0.05, -0.02),
                    std_error = c(0.03, 0.025, 0.04), moderator = 0)
two <- data.frame(set = "two", term = letters[1:2], estimate = c(-0.10, 0.02), std_error = c(0.03, 0.05), moderator = 0)
data <- rbind(schools, bcg, agree, three, two)
tight <- list(threshold = 1e-15, maxiter = 100000, stepadj = 0.5)
one <- function(set, mods) {
  part <- data[data$set == set, ]
  x <- if (mods) ~ moderator else ~ 1
  fit <- rma(estimate, sei = std_error, mods = x, data = part, method = "REML", test = "adhoc", control = tight)
  common <- rma(estimate, sei = std_error, mods = x, data = part, method = "FE")
  q <- confint(fit, type = "QP", control = list(tol = 1e-14, maxiter = 100000, tau2.max = 1e6))$random
  k <- fit$k
  spread <- qt(0.975, k - 2) * sqrt(fit$tau2 + fit$se[1]^2)
  last <- length(fit$beta)
  data.frame(set = set, moderated = mods, term = c("first", "last"), estimate = fit$beta[c(1, last)],
             std_error = fit$se[c(1, last)], p_value = fit$pval[c(1, last)], conf_low = fit$ci.lb[c(1, last)],
             conf_high = fit$ci.ub[c(1, last)], tau2 = fit$tau2, tau2_low = q["tau^2", "ci.lb"],
             tau2_high = q["tau^2", "ci.ub"], i2 = fit$I2 / 100, q = fit$QE, q_p = fit$QEp,
             prediction_low = if (k > 2) fit$beta[1] - spread else NA,
             prediction_high = if (k > 2) fit$beta[1] + spread else NA,
             common = common$beta[1], common_se = common$se[1])
}
table <- suppressWarnings(rbind(one("schools", FALSE), one("bcg", FALSE), one("bcg", TRUE), one("agree", FALSE),
                                one("three", FALSE), one("two", FALSE)))
written <- function(frame, file) {
  numeric <- sapply(frame, is.numeric)
  frame[numeric] <- lapply(frame[numeric], function(column) ifelse(is.na(column), "", sprintf("%.17g", column)))
  write.csv(frame, file, row.names = FALSE, quote = FALSE)
}
written(data, "synthesis_data.csv")
written(table, "synthesis.csv")

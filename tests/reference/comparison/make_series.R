# Stored numbers for interrupted time series: quasi-Poisson and least squares, Newey-West, Driscoll-Kraay, the test of
# lags. Makes its data too. Needs sandwich, lmtest.
# Run in this folder: Rscript make_series.R
suppressMessages({library(sandwich); library(lmtest)})
set.seed(7)
T <- 48; start <- 25
d <- expand.grid(month = 1:T, treated = c(1, 0))
wave <- 0.15 * sin(2 * pi * d$month / 12) + 0.1 * cos(2 * pi * d$month / 12)
shock <- as.numeric(arima.sim(list(ar = 0.5), T, sd = 0.08))[d$month]
d$people <- round(ifelse(d$treated == 1, 4000, 9000) * (1 + 0.002 * d$month))
rate <- exp(-4.2 + 0.004 * d$month + wave + shock - 0.2 * (d$treated == 1 & d$month >= start))
d$crimes <- rpois(nrow(d), rate * d$people)
write.csv(d, "series.csv", row.names = FALSE, quote = FALSE)

out <- data.frame(name = character(), value = character())
put <- function(name, value) out <<- rbind(out, data.frame(name, value = sprintf("%.17g", as.numeric(value))))
four <- function(name, b, v) for (j in seq_along(b)) { put(paste(name, "estimate", j), b[j]); put(paste(name, "se", j), sqrt(v[j, j])) }
d$s <- d$month - start; d$D <- as.numeric(d$s >= 0); d$Ds <- d$D * d$s
for (k in 1:2) { d[[paste0("sin", k)]] <- sin(2 * pi * k * d$month / 12); d[[paste0("cos", k)]] <- cos(2 * pi * k * d$month / 12) }
season <- "sin1 + cos1 + sin2 + cos2"
one <- d[d$treated == 1, ]; eff <- c("s", "D", "Ds")

f <- glm(as.formula(paste("crimes ~ s + D + Ds +", season)), quasipoisson, one, offset = log(people), control = list(epsilon = 1e-14))
four("counts", coef(f)[eff], vcov(f)[eff, eff]); put("counts dispersion", summary(f)$dispersion); put("counts df", f$df.residual)
v <- NeweyWest(f, lag = 3, prewhite = FALSE, adjust = TRUE); four("counts newey-west", coef(f)[eff], v[eff, eff])
# effect over the periods after, by the delta method
X <- model.matrix(f); a <- one$D == 1; mu <- fitted(f)[a]; X0 <- X[a, ]; X0[, c("D", "Ds")] <- 0
m0 <- one$people[a] * exp(c(X0 %*% coef(f)))
g <- colSums(mu * X[a, ]) / sum(mu) - colSums(m0 * X0) / sum(m0)
put("counts effect", log(sum(mu) / sum(m0))); put("counts effect se", sqrt(g %*% vcov(f) %*% g)); put("counts expected", sum(m0))
# the curve without the programme in the last period
x0 <- X0[nrow(X0), ]; put("counts last without", m0[length(m0)]); put("counts last without se", sqrt(x0 %*% vcov(f) %*% x0))
# the artificial regression: Pearson residuals on weighted columns and three lags
r <- residuals(f, "pearson"); lag <- function(x, k) c(rep(0, k), head(x, -k))
aux <- lm(r ~ 0 + I(sqrt(fitted(f)) * X) + lag(r, 1) + lag(r, 2) + lag(r, 3))
put("counts lags statistic", length(r) * (1 - sum(resid(aux)^2) / sum(r^2)))

one$rate <- one$crimes / one$people * 1000
l <- lm(as.formula(paste("rate ~ s + D + Ds +", season)), one)
v <- NeweyWest(l, lag = 3, prewhite = FALSE, adjust = TRUE); four("linear", coef(l)[eff], v[eff, eff])
put("linear lags statistic", bgtest(l, order = 3, fill = 0)$statistic); put("linear df", l$df.residual)
c2 <- lm(rate ~ s + D + Ds, one); v <- NeweyWest(c2, lag = 3, prewhite = FALSE, adjust = TRUE)
g <- c(0, 0, 1, mean(one$Ds[one$D == 1])); put("linear plain effect", g %*% coef(c2)); put("linear plain effect se", sqrt(g %*% v %*% g))

both <- c("s:treated", "D:treated", "Ds:treated")
f <- glm(as.formula(paste("crimes ~ (s + D + Ds) * treated +", season)), quasipoisson, d, offset = log(people), control = list(epsilon = 1e-14))
names(f$coefficients) <- sub("treated:(.*)", "\\1:treated", names(f$coefficients))
V <- vcov(f); dimnames(V) <- list(names(coef(f)), names(coef(f)))
four("controlled counts", coef(f)[both], V[both, both])
u <- rowsum(model.matrix(f) * (d$crimes - fitted(f)), d$month) # scores, added up by month
S <- crossprod(u); for (k in 1:3) { G <- crossprod(u[(1 + k):T, ], u[1:(T - k), ]); S <- S + (1 - k / 4) * (G + t(G)) }
B <- summary(f)$cov.unscaled; V <- B %*% S %*% B * T / (T - 4); dimnames(V) <- list(names(coef(f)), names(coef(f)))
four("controlled counts newey-west", coef(f)[both], V[both, both])
# least squares beside a comparison is Newey-West of the series of differences
w <- d[d$treated == 1, ]; w$gap <- 1000 * (w$crimes / w$people - d$crimes[d$treated == 0] / d$people[d$treated == 0])
l <- lm(gap ~ s + D + Ds, w); v <- NeweyWest(l, lag = 3, prewhite = FALSE, adjust = TRUE)
four("controlled linear", coef(l)[eff], v[eff, eff]); put("controlled linear df", l$df.residual)
write.csv(out, "series_numbers.csv", row.names = FALSE, quote = FALSE)

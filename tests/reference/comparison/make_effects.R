# Stored numbers for effects: standardised means, weights of a score, matching with replacement, doubly robust means,
# subgroups. Needs sandwich, survey, numDeriv, Matching. Run in this folder: Rscript make_effects.R
suppressMessages({library(sandwich); library(survey); library(numDeriv); library(Matching)})
d <- read.csv("people.csv"); n <- nrow(d)
out <- data.frame(name = character(), value = character())
put <- function(name, value) out <<- rbind(out, data.frame(name, value = sprintf("%.17g", as.numeric(value))))
control <- glm.control(epsilon = 1e-15, maxit = 200)
fit <- function(formula, family, data, weights) {
  data$case_weight <- weights
  suppressWarnings(glm(formula, family, data, weights = case_weight, control = control))
}
logs <- function(m, v, name, kinds) {  # difference, log ratio and log odds ratio of two means by the delta method
  g <- list(difference = c(1, -1), ratio = c(1 / m[1], -1 / m[2]), odds = c(1 / (m[1] * (1 - m[1])), -1 / (m[2] * (1 - m[2]))))
  est <- c(difference = m[1] - m[2], ratio = log(m[1] / m[2]), odds = qlogis(pmin(pmax(m[1], 1e-9), 1 - 1e-9)) - qlogis(pmin(pmax(m[2], 1e-9), 1 - 1e-9)))
  for (k in kinds) { put(paste(name, k, "estimate"), est[[k]]); put(paste(name, k, "se"), sqrt(c(g[[k]] %*% v %*% g[[k]]))) }
}

# g-computation in the matched sets: standardised over the treated, errors by set (vcovCL, HC1 for both models; its own
# default for glm is HC0) and the delta method with the covariates fixed
m <- d[d$weight > 0, ]
gcomp <- function(formula, family, data, w, target, cluster, name, kinds) {
  f <- fit(formula, family, data, w); v <- vcovCL(f, cluster = cluster, type = "HC1")
  mu <- numeric(2); J <- matrix(0, 2, length(coef(f)))
  for (k in 1:2) {
    x <- model.matrix(delete.response(terms(f)), transform(data, joined = 2 - k), xlev = f$xlevels)
    eta <- c(x %*% coef(f)); mu[k] <- weighted.mean(f$family$linkinv(eta), target)
    J[k, ] <- colSums(target / sum(target) * f$family$mu.eta(eta) * x)
  }
  put(paste(name, "mean treated"), mu[1]); put(paste(name, "mean comparison"), mu[2])
  logs(mu, J %*% v %*% t(J), name, kinds)
}
gcomp(again ~ joined * (age + prior + area), quasibinomial, m, m$weight, m$weight * m$joined, m$set, "gcomp logistic", c("difference", "ratio", "odds"))
gcomp(again ~ joined * (age + prior + area), gaussian, m, m$weight, m$weight * m$joined, m$set, "gcomp linear", c("difference", "ratio"))
gcomp(offences ~ joined * (age + prior + area), gaussian, m, m$weight, m$weight * m$joined, m$set, "gcomp count", "difference")
gcomp(again ~ joined * (age + prior + area), quasibinomial, d, rep(1, n), rep(1, n), seq_len(n), "gcomp whole", c("difference", "ratio"))

# weights of a score: as known (HC1; and survey's n/(n - 1) where ours is n/(n - 2)), and with the score stacked
score <- glm(joined ~ age + prior + area + male, binomial, d, control = control)
e <- fitted(score); X <- model.matrix(score); W <- d$joined
weight_of <- list(ATT = function(e) ifelse(W == 1, 1, e / (1 - e)), ATE = function(e) ifelse(W == 1, 1 / e, 1 / (1 - e)), ATO = function(e) ifelse(W == 1, 1 - e, e))
stacked <- function(equations, theta) {  # equations: theta -> n x k; the sandwich with no small-sample factor
  A <- jacobian(function(t) colSums(equations(t)), theta, method.args = list(r = 6))
  solve(A) %*% crossprod(equations(theta)) %*% t(solve(A))
}
for (estimand in names(weight_of)) {
  w <- weight_of[[estimand]](e)
  put(paste("score weight", estimand), w[1:240][c(1, 240)])
  for (o in c("again", "offences")) {
    y <- d[[o]]; f <- fit(as.formula(paste(o, "~ joined")), gaussian, d, w)
    put(paste("known", estimand, o, "estimate"), coef(f)["joined"]); put(paste("known", estimand, o, "se"), sqrt(vcovHC(f, type = "HC1")["joined", "joined"]))
    design <- svydesign(~1, weights = w, data = d); s <- svyglm(as.formula(paste(o, "~ joined")), design)
    put(paste("survey", estimand, o, "se"), sqrt(vcov(s)["joined", "joined"]) * sqrt((n - 1) / (n - 2)))
    mu <- c(weighted.mean(y[W == 1], w[W == 1]), weighted.mean(y[W == 0], w[W == 0]))
    eq <- function(t) { p <- plogis(c(X %*% t[-(1:2)])); v <- weight_of[[estimand]](p)
      cbind(v * W * (y - t[1]), v * (1 - W) * (y - t[2]), X * (W - p)) }
    v <- n / (n - 2) * stacked(eq, c(mu, coef(score)))[1:2, 1:2]
    logs(mu, v, paste("stacked", estimand, o), if (o == "again") c("difference", "ratio", "odds") else "difference")
  }
  y <- d$offences; ti <- d$days
  mu <- c(sum((w * y)[W == 1]) / sum((w * ti)[W == 1]), sum((w * y)[W == 0]) / sum((w * ti)[W == 0]))
  eq <- function(t) { p <- plogis(c(X %*% t[-(1:2)])); v <- weight_of[[estimand]](p)
    cbind(v * W * (y - t[1] * ti), v * (1 - W) * (y - t[2] * ti), X * (W - p)) }
  logs(mu, n / (n - 2) * stacked(eq, c(mu, coef(score)))[1:2, 1:2], paste("stacked", estimand, "rate"), "ratio")
}

# doubly robust means for the treated: both models stacked; factor n / (n - 1)
Z <- model.matrix(~ age + prior + area + male, d)
robust <- function(y, logistic, targeted, name, kinds, low = 0, scale = 1) {
  y <- (y - low) / scale
  link <- if (logistic) plogis else identity
  g <- coef(suppressWarnings(glm.fit(Z[W == 0, ], y[W == 0], family = if (logistic) quasibinomial() else gaussian(), control = control)))
  odds <- function(b) ifelse(W == 0, exp(c(X %*% b)), 0)
  if (targeted) {
    clever <- function(g) qlogis(link(c(Z %*% g)))
    o <- odds(coef(score)); off <- clever(g)
    eps <- coef(suppressWarnings(glm(y ~ 1, quasibinomial, weights = o, offset = off, subset = W == 0, control = control)))
    start <- c(mean(y[W == 1]), mean(plogis(off + eps)[W == 1]), eps, g, coef(score))
    eq <- function(t) { g <- t[4:(3 + ncol(Z))]; b <- t[-(1:(3 + ncol(Z)))]; q <- plogis(clever(g) + t[3])
      cbind(W * (y - t[1]), W * (q - t[2]), odds(b) * (y - q), Z * (1 - W) * (y - link(c(Z %*% g))), X * (W - plogis(c(X %*% b)))) }
  } else {
    o <- odds(coef(score)); q <- link(c(Z %*% g)); delta <- sum(o * (y - q)) / sum(o)
    start <- c(mean(y[W == 1]), mean(q[W == 1]) + delta, delta, g, coef(score))
    eq <- function(t) { g <- t[4:(3 + ncol(Z))]; b <- t[-(1:(3 + ncol(Z)))]; q <- link(c(Z %*% g))
      cbind(W * (y - t[1]), W * (q + t[3] - t[2]), odds(b) * (y - q - t[3]), Z * (1 - W) * (y - q), X * (W - plogis(c(X %*% b)))) }
  }
  v <- n / (n - 1) * stacked(eq, start)[1:2, 1:2] * scale^2; mu <- low + scale * start[1:2]
  put(paste(name, "mean comparison"), mu[2]); logs(mu, v, name, kinds)
}
all3 <- c("difference", "ratio", "odds")
robust(d$again, TRUE, FALSE, "aipw logistic", all3)
robust(d$again, FALSE, FALSE, "aipw linear", all3)
robust(d$again, TRUE, TRUE, "tmle logistic", all3)
robust(d$offences, FALSE, FALSE, "aipw mean", "difference")
robust(d$offences, FALSE, TRUE, "tmle mean", "difference", min(d$offences), diff(range(d$offences)))

# matching with replacement on a score given: Abadie and Imbens (2006) by the package Matching. It uses all ties, and
# by its default takes distances within 1e-5 for ties, so the score has none and the tolerance is set to nothing;
# Var.calc = 1 takes one neighbour of the same group
s <- qlogis(e) + 0.01 * sin(seq_len(n))
d$given <- s
for (M in 1:3) for (o in c("again", "offences")) {
  r <- Match(d[[o]], W, s, estimand = "ATT", M = M, replace = TRUE, ties = TRUE, Var.calc = 1, Weight = 1, distance.tolerance = 1e-15)
  put(paste("replacement", M, o, "estimate"), r$est); put(paste("replacement", M, o, "se"), r$se)
}

# subgroups: means of both groups in each area from one saturated regression, errors by person and by set
wald <- function(data, w, cluster, name) {
  f <- fit(again ~ 0 + area + area:joined, gaussian, data, w); v <- vcovCL(f, cluster = cluster, type = "HC1")
  k <- grep("joined", names(coef(f))); D <- cbind(-1, diag(length(k) - 1))
  b <- D %*% coef(f)[k]; q <- length(k) - 1; g <- length(unique(cluster))
  stat <- c(t(b) %*% solve(D %*% v[k, k] %*% t(D)) %*% b) / q
  put(paste(name, "F"), stat); put(paste(name, "p"), pf(stat, q, g - 1, lower.tail = FALSE))
  for (i in k) { put(paste(name, names(coef(f))[i], "estimate"), coef(f)[i]); put(paste(name, names(coef(f))[i], "joint se"), sqrt(v[i, i])) }
}
wald(d, rep(1, n), seq_len(n), "subgroups whole")
# the sets of the reference, each in the area of its treated person: others leave, and sets left with one side
home <- m$area[m$joined == 1][match(m$set, m$set[m$joined == 1])]
inside <- m[m$area == home, ]
inside <- inside[inside$set %in% inside$set[inside$joined == 0], ]
inside$weight <- ifelse(inside$joined == 1, 1, 1 / ave(1 - inside$joined, inside$set, FUN = sum))
wald(inside, inside$weight, inside$set, "subgroups sets")
write.csv(out, "effects.csv", row.names = FALSE, quote = FALSE)
write.csv(d[, "given", drop = FALSE], "given.csv", row.names = FALSE)

# Stored numbers for tests/comparison: base R alone. Run in this folder: Rscript reference.R
set.seed(20130409)
n <- 240
age <- round(rnorm(n, 29, 7), 1)
prior <- rpois(n, 2.5)
area <- sample(c("Knowsley", "Liverpool", "Sefton"), n, TRUE, c(.2, .5, .3))
male <- rbinom(n, 1, .8)
joined <- rbinom(n, 1, plogis(-1.2 - .04 * (age - 29) + .2 * prior + .5 * (area == "Sefton")))
again <- rbinom(n, 1, plogis(-1 - .05 * (age - 29) + .25 * prior - .4 * joined))
offences <- rpois(n, .5 + again)
days <- round(runif(n, 60, 365))
# sets of one joined person and one to three others, taken in order; the rest are in no set
t <- which(joined == 1); c <- which(joined == 0)
set <- rep(NA, n); weight <- rep(0, n); at <- 1
for (i in seq_along(t)) {
  k <- 1 + (i %% 3)
  if (at + k - 1 > length(c)) break
  mates <- c[at:(at + k - 1)]; at <- at + k
  set[t[i]] <- i; weight[t[i]] <- 1; set[mates] <- i; weight[mates] <- 1 / k
}
d <- data.frame(age, prior, area, male, joined, again, offences, days, set, weight)
write.csv(d, "people.csv", row.names = FALSE, quote = FALSE)
out <- data.frame(name = character(), value = character())
put <- function(name, value) out <<- rbind(out, data.frame(name, value = sprintf("%.15g", as.numeric(value))))

# propensity: logistic regression
control <- glm.control(epsilon = 1e-14, maxit = 100)
f <- glm(joined ~ age + prior + area + male + age:male, binomial, d, control = control)
s <- summary(f)$coefficients
for (term in rownames(s)) { put(paste("glm", term), s[term, 1]); put(paste("glm se", term), s[term, 2]) }
put("glm fitted 1", fitted(f)[1]); put("glm fitted 240", fitted(f)[240])

# balance, by plain formulas
wvar <- function(x, w) { m <- sum(w * x) / sum(w); sum(w * (x - m)^2) * sum(w) / (sum(w)^2 - sum(w^2)) }
ks <- function(x, w) max(sapply(unique(x), function(v) abs(
  sum(w[x <= v & joined == 1]) / sum(w[joined == 1]) - sum(w[x <= v & joined == 0]) / sum(w[joined == 0]))))
terms <- list(age = age, prior = prior, male = male, Knowsley = 1 * (area == "Knowsley"), Sefton = 1 * (area == "Sefton"))
for (term in names(terms)) {
  x <- terms[[term]]; binary <- all(x %in% 0:1); x1 <- x[joined == 1]; x0 <- x[joined == 0]
  spread <- if (binary) sqrt(mean(x1) * (1 - mean(x1))) else sd(x1)
  pooled <- if (binary) sqrt((mean(x1) * (1 - mean(x1)) + mean(x0) * (1 - mean(x0))) / 2) else sqrt((var(x1) + var(x0)) / 2)
  for (sample in c("all", "matched")) {
    w <- if (sample == "all") rep(1, n) else weight
    m1 <- weighted.mean(x1, w[joined == 1]); m0 <- weighted.mean(x0, w[joined == 0])
    put(paste(term, sample, "mean_treated"), m1); put(paste(term, sample, "mean_comparison"), m0)
    put(paste(term, sample, "smd"), (m1 - m0) / spread); put(paste(term, sample, "smd pooled"), (m1 - m0) / pooled)
    put(paste(term, sample, "ks"), ks(x, w))
    if (!binary) put(paste(term, sample, "variance_ratio"), wvar(x1, w[joined == 1]) / wvar(x0, w[joined == 0]))
  }
}

# effects: weighted models with sandwich errors summed by set, factor G/(G-1) (n-1)/(n-k)
m <- d[d$weight > 0, ]
sandwich <- function(fit, cluster) {
  x <- model.matrix(fit); u <- x * (residuals(fit, "working") * weights(fit, "working"))
  meat <- crossprod(rowsum(u, cluster)); bread <- summary(fit)$cov.unscaled
  g <- length(unique(cluster)); k <- ncol(x); n <- nrow(x)
  g / (g - 1) * (n - 1) / (n - k) * bread %*% meat %*% bread
}
effect <- function(name, fit, cluster) {
  put(paste(name, "estimate"), coef(fit)["joined"]); v <- sandwich(fit, cluster)
  put(paste(name, "se"), sqrt(v["joined", "joined"]))
}
q <- function(formula, family, data, weights = rep(1, nrow(data))) {
  data$case_weight <- weights
  suppressWarnings(glm(formula, family, data, weights = case_weight, control = control))
}
effect("risk_difference", q(again ~ joined, gaussian, m, m$weight), m$set)
effect("risk_difference adjusted", q(again ~ joined + age + prior + area, gaussian, m, m$weight), m$set)
effect("mean_difference", q(offences ~ joined, gaussian, m, m$weight), m$set)
effect("odds_ratio", q(again ~ joined, quasibinomial, m, m$weight), m$set)
effect("risk_ratio", q(again ~ joined, quasipoisson, m, m$weight), m$set)
effect("rate_ratio", q(offences ~ joined + offset(log(days)), quasipoisson, m, m$weight), m$set)
effect("rate_difference", q(I(offences / days) ~ joined, gaussian, m, m$weight * m$days), m$set)
effect("whole", q(again ~ joined, gaussian, d), seq_len(n))
effect("whole adjusted", q(offences ~ joined + age + area, gaussian, d), seq_len(n))
put("sets", length(unique(m$set)))

# two independent samples: Welch with unit weights; by plain formulas with weights
w <- t.test(offences ~ I(1 - joined), d)
put("welch estimate", w$estimate[1] - w$estimate[2]); put("welch se", w$stderr)
put("welch low", w$conf.int[1]); put("welch high", w$conf.int[2]); put("welch p", w$p.value)
part <- function(g) with(m[m$joined == g, ], { ne <- sum(weight)^2 / sum(weight^2)
  c(weighted.mean(again, weight), wvar(again, weight) / ne, ne) })
a <- part(1); b <- part(0); se <- sqrt(a[2] + b[2])
df <- se^4 / (a[2]^2 / (a[3] - 1) + b[2]^2 / (b[3] - 1))
put("jdl estimate", a[1] - b[1]); put("jdl se", se); put("jdl high", a[1] - b[1] + qt(.975, df) * se)
write.csv(out, "numbers.csv", row.names = FALSE, quote = FALSE)

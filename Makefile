# The commands of a working day. What they check is written down once, in .ci/run.

.DEFAULT_GOAL := help
.PHONY: help check test race lint fuzz bench demo

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check: ## before a commit: gofmt, vet, staticcheck, arrows between packages, race tests, generated files
	@bash .ci/run format vet lint arch race generated

test: ## all tests
	go test ./...

race: ## all tests under the race detector
	go test -race ./...

lint: ## gofmt, vet and staticcheck; golangci-lint too where it is installed
	@bash .ci/run format vet lint
	@if command -v golangci-lint >/dev/null; then golangci-lint run; fi

fuzz: ## each fuzz function for a few seconds (FUZZTIME=1m for longer)
	@bash .ci/run fuzz

bench: ## the figures of the README, beside what one would use instead
	go run ./internal/bench

demo: ## the whole tour on three simulated panels
	go run ./cmd/ispsync demo

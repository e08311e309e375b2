# What every developer and CI run; nothing exists only in CI. `make help` lists it.

GO       ?= go
FUZZTIME ?= 10m
FUZZJOBS ?= 2
KILLS    ?= 200
ROUNDS   ?= 100
RUNS     ?= 4
MODELS   ?= 100
PKGS     ?= ./...
# How many packages are tested at once: some wait most of the time, for programs
# that are killed, and would leave processors idle.
ATONCE   ?= 4
# How many tests of one package are run at once, of those that mostly wait (t.Parallel).
WAITING  ?= 4

# As the program is built. All that is compiled here is then the same, once; only
# the race detector needs the C library.
export CGO_ENABLED = 0

.DEFAULT_GOAL := build
.PHONY: help build setup check test race unit generated cross conformance bench-quick filterlist-compare applications e2e bench kill faults powerloss shaken clocks models fuzz

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Without the C library: the program runs on any Linux, and an idle one has 4 MB less.
build: ## bin/freshet (the default)
	$(GO) build -trimpath -o bin/ ./cmd/freshet

test: setup check race unit generated cross conformance bench-quick applications e2e ## everything below that CI requires

setup: ## what the tests need beyond Go: install it (root on Debian) or list it
	@scripts/setup

check: ## formatting, go vet, staticcheck
	@scripts/formatted
	$(GO) vet $(PKGS)
	$(GO) tool -modfile=tools/go.mod staticcheck $(PKGS)

# Both without vet, of which check runs all.
race: ## all tests with the race detector
	CGO_ENABLED=1 $(GO) test -race -vet=off -p $(ATONCE) -timeout 30m $(PKGS)

unit: ## all tests without it: allocation budgets only hold there
	$(GO) test -vet=off -p $(ATONCE) -parallel $(WAITING) -timeout 30m $(PKGS)

generated: ## go generate changes nothing
	@scripts/generated

cross: ## the systems that CI has no machine for still compile
	@scripts/cross darwin windows freebsd

conformance: ## the public cache suite against "freshet proxy" and the client's cache (CACHE_TESTS=checkout of it; default: the npm package)
	$(GO) build -o bin/ ./cmd/freshet ./conformance/privateproxy
	node --test conformance
	conformance/run.mjs --suite '$(or $(CACHE_TESTS),npm)' --profile standard
	conformance/run.mjs --suite '$(or $(CACHE_TESTS),npm)' --profile safe
	conformance/run.mjs --suite '$(or $(CACHE_TESTS),npm)' --private
	conformance/run.mjs --suite '$(or $(CACHE_TESTS),npm)' --private --folder

bench-quick: ## every benchmark once, and the tests of the bench module
	$(GO) vet -C bench ./...
	$(GO) test -C bench ./...
	$(GO) run -C bench . -quick
	$(GO) run -C bench ./capacity -quick
	$(GO) run -C bench ./viewers -quick
	$(GO) run -C bench ./scripts -quick
	$(GO) run -C bench ./udp -quick
	$(GO) run -C bench ./filterlist -quick
	$(GO) run -C bench ./filter -quick
	$(GO) run -C bench ./jobs -quick
	$(GO) run -C bench ./fleetpurge -quick
	$(GO) run -C bench ./tls -quick
	$(GO) test -vet=off -run '^$$' -bench . -benchtime 1x $$(scripts/benchmarks $(PKGS)) > /dev/null

filterlist-compare: ## verdicts on EasyList and others beside @ghostery/adblocker's: 99.5 % equal, every difference has a name
	$(GO) run -C bench ./filterlist -compare

applications: ## real applications behind freshet: by proxy, by CGI (git, Perl, Python) and by FastCGI (php-fpm)
	@scripts/applications

e2e: ## the monitor in a browser: with and without scripts, on a phone, by keyboard
	@scripts/e2e

bench: ## ours beside nginx, h2o, lighttpd and net/http (needs two cores and an hour)
	$(GO) run -C bench .

kill: ## the server and the disk store killed KILLS (200) times while they write: no wrong byte
	$(GO) test ./internal/diskstore -run TestKill -v -timeout 2h -kill.rounds=$(KILLS)
	$(GO) test ./cache -run TestKill -v -timeout 2h -kill.rounds=$(KILLS)

faults: ## hubs, peers, workers and NATS servers killed at random while 10,000 jobs run, ROUNDS (100) times: no job lost, no attempt begun twice
	FRESHET_TEST_SEED=new $(GO) test ./internal/faults -run TestKill -v -timeout 12h -faults.rounds=$(ROUNDS) -faults.jobs=10000 -faults.kills=4 -faults.elsewhere -faults.peers
	$(GO) test ./fleet -run 'TestPeersGetKeys' -v -fleet.keys
	FRESHET_TEST_SEED=new $(GO) test ./internal/faults -run 'TestPeersPartition|TestPeerFullDisk' -v -timeout 2h -faults.rounds=10 -faults.peers
	$(GO) test ./internal/faults -run 'TestAlerts$$' -v -faults.alerts
	FRESHET_TEST_SEED=new $(GO) test ./internal/faults -run 'TestHubAway|TestEndLeadingPeer' -v -timeout 2h -faults.away=25s -faults.peers

powerloss: ## the power goes at each sync of a hub, and in between, in RUNS (4) runs: all that was acknowledged is there
	FRESHET_TEST_SEED=new $(GO) test ./internal/faults -run 'TestPowerLoss$$' -v -timeout 12h -faults.losses=0 -faults.large -faults.runs=$(RUNS)

shaken: ## a hub and a worker on a disk that is slow and stands still
	FRESHET_TEST_SEED=new $(GO) test ./internal/faults -run 'TestSlowDisk$$' -v -timeout 1h -faults.shaken

clocks: ## a hub, two workers and a cache whose clocks jump, and that are killed, ROUNDS (100) times
	FRESHET_TEST_SEED=new $(GO) test ./internal/faults -run 'TestClocks$$' -v -timeout 12h -faults.rounds=$(ROUNDS) -faults.clockkills

models: ## what is random in the tests, MODELS (100) times as long and with other seeds: caches, purges, verdicts, stores, queues
	FRESHET_TEST_SEED=new $(GO) test ./cache -run TestHistories -v -timeout 6h -histories=$$((200*$(MODELS)))
	FRESHET_TEST_SEED=new $(GO) test ./fleet -run TestPurgeModel -v -timeout 6h -purge.rounds=$$((200*$(MODELS)))
	FRESHET_TEST_SEED=new $(GO) test ./check -run TestVerdictIsWhatCachesDo -v -timeout 6h -verdicts=$$((3000*$(MODELS)))
	FRESHET_TEST_SEED=new $(GO) test ./internal/diskstore -run TestModel -v -timeout 6h -model.rounds=$$((6*$(MODELS)))
	FRESHET_TEST_SEED=new $(GO) test ./jobs -run TestModel -v -timeout 6h -model.rounds=$$((8*$(MODELS)))

fuzz: ## each fuzz target for FUZZTIME (10m), FUZZJOBS (2) at once
	@scripts/fuzz $(FUZZTIME) $(FUZZJOBS) $(PKGS)

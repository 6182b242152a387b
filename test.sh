#!/usr/bin/env bash
# Installs what the tests need, then runs all of them: format, lints, unit tests, and the suites of tests/.
# Works on a fresh Debian or Ubuntu machine that has Rust; elsewhere it says what is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# What the suites run for real, and the package that brings it.
readonly TOOLS=(bash:bash git:git curl:curl jq:jq shellcheck:shellcheck openssl:openssl make:make python3:python3 node:nodejs npm:npm chromium:chromium busybox:busybox-static unshare:util-linux)
# Where the real clients of the Pipeline API go; tests/clients says which.
readonly CLIENTS=target/clients

missing_packages() {
  local tool
  for tool in "${TOOLS[@]}"; do
    command -v "${tool%%:*}" >/dev/null || printf '%s\n' "${tool##*:}"
  done
  # Debian parts this from Python itself.
  ! command -v python3 >/dev/null || python3 -c 'import ensurepip, venv' 2>/dev/null || printf 'python3-venv\n'
}

install_packages() {
  local as_root=()
  ((EUID == 0)) || as_root=(sudo)
  if ! command -v apt-get >/dev/null; then
    printf 'test.sh: these are missing, and there is no apt-get to install them: %s\n' "$*" >&2
    exit 1
  fi
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@"
}

# install_clients NAME COMMAND...: runs the command in $CLIENTS/NAME, unless it has been with these very files.
install_clients() {
  local from=tests/clients/$1 into=$CLIENTS/$1 asked
  shift
  asked=$(cat -- "$from"/{requirements.txt,wheels.txt,package-lock.json} 2>/dev/null || true)
  [[ ! -f $into/installed || $(<"$into/installed") != "$asked" ]] || return 0
  rm -rf -- "$into"
  mkdir -p -- "$into"
  "$@" "$from" "$into"
  printf '%s\n' "$asked" >"$into/installed"
}

install_python_clients() {
  python3 -m venv "$2"
  "$2/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$1/requirements.txt"
  "$2/bin/pip" download --quiet --disable-pip-version-check --no-deps --requirement "$1/wheels.txt" --dest "$2/wheels"
}

install_node_clients() {
  cp -- "$1/package.json" "$1/package-lock.json" "$2/"
  npm ci --prefix "$2" --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
}

main() {
  command -v cargo >/dev/null || {
    printf 'test.sh: cargo is missing: install Rust first\n' >&2
    exit 1
  }
  local packages
  mapfile -t packages < <(missing_packages)
  ((${#packages[@]} == 0)) || install_packages "${packages[@]}"
  mapfile -t packages < <(missing_packages)
  ((${#packages[@]} == 0)) || {
    printf 'test.sh: these could not be installed: %s\n' "${packages[*]}" >&2
    exit 1
  }
  install_clients python install_python_clients
  install_clients node install_node_clients
  cargo fmt --all --check
  cargo clippy --quiet --workspace --all-targets -- -D warnings
  # Without HTTP and allocator, as for machines without a C compiler.
  cargo check --quiet --workspace --no-default-features
  check_dependencies
  # The wheel that the hooks without Rust install; before the tests, which run the same binary.
  rm -rf -- "$CLIENTS/wheel"
  "$CLIENTS/python/bin/maturin" build --quiet --profile dev --out "$CLIENTS/wheel"
  build_static
  local log status=0
  log=$(mktemp)
  rm -f target/fault-matrix.txt
  cargo test --quiet --workspace --no-fail-fast "$@" 2>&1 | tee "$log" || status=$?
  # What the faults did to set-up and trigger.
  cat target/fault-matrix.txt 2>/dev/null || printf 'test.sh: there is no matrix of faults\n' >&2
  total "$log"
  rm -f -- "$log"
  return "$status"
}

# The program that runs in any image: tests start it where there is nothing else.
build_static() {
  local target=x86_64-unknown-linux-gnu
  if [[ $(uname -sm) != "Linux x86_64" ]]; then
    printf 'test.sh: the static program is built and tested on Linux x86_64 only\n' >&2
    return 0
  fi
  RUSTFLAGS="-C target-feature=+crt-static" \
    cargo build --quiet --profile static --target "$target" --target-dir target/static --bin sidestage
}

# Licences, banned crates and sources, by deny.toml. Advisories change without us: they are no part of this.
check_dependencies() {
  if cargo deny --version >/dev/null 2>&1; then
    cargo deny --log-level error check licenses bans sources
  else
    printf 'test.sh: dependencies are not checked: cargo-deny is not installed (CONTRIBUTING.md)\n' >&2
  fi
}

# One line for all suites: cargo gives one for each.
total() {
  awk '/^test result:/ { passed += $4; failed += $6 } END { printf "%d passed, %d failed\n", passed, failed }' "$1"
}

main "$@"

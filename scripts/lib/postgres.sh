# shellcheck shell=bash
# A private PostgreSQL: where its programs are, making one, starting and stopping it. Sourced, not run.

pg_fail() { echo "postgres: $*" >&2; return 1; }

# pg_servers: where this user's own servers lie (scripts/install_pgvector), as src/postgres/cluster_programs.cpp knows
pg_servers() {
    local home=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
    if [ "$(id -u)" = 0 ]; then
        echo /var/lib/stele/server
    else
        case ${XDG_DATA_HOME:-} in
            /*) echo "$XDG_DATA_HOME/stele/server" ;;
            *) [ "${home#/}" = "$home" ] || echo "$home/.local/share/stele/server" ;;
        esac
    fi
}

# pg_bindir: the programs of $STELE_PG_BINDIR, else of the newest installed major, in a tree of the user's own if there is one
pg_bindir() {
    local directory major own
    directory=${STELE_PG_BINDIR:-}
    if [ -z "$directory" ]; then
        directory=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -t/ -k5,5n | tail -n 1)
        major=${directory#/usr/lib/postgresql/}
        own=$(pg_servers)/${major%/bin}$directory
        [ ! -x "$own/postgres" ] || directory=$own
    fi
    [ -x "$directory/postgres" ] || { pg_fail "no server in $directory: run scripts/setup"; return 1; }
    echo "$directory"
}

# pg_as COMMAND...: runs it as an account that may run a server, in the same process; root may not
pg_as() {
    local account=nobody
    [ "$(id -u)" = 0 ] || exec "$@"
    ! id postgres >/dev/null 2>&1 || account=postgres
    # the kernel shuts the server down if this shell is killed
    exec setpriv --reuid="$account" --regid="$(id -gn "$account")" --clear-groups --pdeathsig INT "$@"
}

# pg_own DIRECTORY: gives it to that account, and to nobody else
pg_own() {
    chmod 0700 "$1"
    [ "$(id -u)" != 0 ] || chown "$(id -u postgres 2>/dev/null || id -u nobody)" "$1"
}

# pg_on_disk DIRECTORY: is it on storage that outlives the machine's memory?
pg_on_disk() {
    [ -d "$1" ] && [ -w "$1" ] && case $(stat -f -c %T "$1") in tmpfs | ramfs) false ;; esac
}

# pg_make DATA SOCKETS durable|fast: initdb; the one superuser is stele_test, whoever can enter SOCKETS is let in
pg_make() {
    local data=$1 sockets=$2 kind=$3 bindir
    bindir=$(pg_bindir) || return 1
    (cd / && pg_as "$bindir/initdb" -D "$data/data" -U stele_test -A trust -E UTF8 --locale=C --no-sync \
        --wal-segsize=1) >"$data/initdb.log" 2>&1 || { pg_fail "initdb failed: $(tail -n 3 "$data/initdb.log")"; return 1; }
    {
        echo "listen_addresses = ''"
        echo "unix_socket_directories = '$sockets'"
        echo "unix_socket_permissions = 0700"
        echo "max_connections = 200"
        echo "log_line_prefix = '%m [%p] %a '"
        if [ "$kind" = durable ]; then
            printf '%s = on\n' fsync synchronous_commit full_page_writes
        else
            printf '%s = off\n' fsync full_page_writes
            # in the data directory, so that a killed server leaves nothing behind elsewhere
            echo "dynamic_shared_memory_type = mmap"
        fi
    } >>"$data/data/postgresql.conf"
}

# pg_start DATA [OPTION...]: starts it, sets pg_pid, returns when it answers
pg_start() {
    local data=$1 bindir state
    shift
    bindir=$(pg_bindir) || return 1
    (cd / && pg_as "$bindir/postgres" -D "$data/data" "$@") >>"$data/log" 2>&1 </dev/null &
    pg_pid=$!
    for _ in {1..3000}; do
        kill -0 "$pg_pid" 2>/dev/null || break
        # its first line is the process, its eighth the state: what pg_ctl waits for
        mapfile -t state 2>/dev/null <"$data/data/postmaster.pid" || state=()
        [ "${state[0]:-}" != "$pg_pid" ] || [[ ${state[7]:-} != ready* ]] || return 0
        sleep 0.02
    done
    pg_fail "the server did not start: $(tail -n 5 "$data/log")"
    pg_stop "$pg_pid"
    pg_pid=''
    return 1
}

# pg_stop PID: a fast shutdown, at once if that takes long
pg_stop() {
    local signal
    for signal in INT QUIT KILL; do
        kill -"$signal" "$1" 2>/dev/null || break
        for _ in {1..500}; do kill -0 "$1" 2>/dev/null || break 2; sleep 0.02; done
    done
    wait "$1" 2>/dev/null || true
}

// Does a statement through Stele cost what it costs through plain libpq?
//
// One caller, waiting for each answer: Database::query beside PQexecPrepared in a tight loop, same server, same table,
// same keys. Client and backends are pinned to one CPU: unpinned, a round trip is mostly the time that the scheduler
// takes to wake the other side, which hides what a library costs (rows at the end show it). The table has 100,000 rows
// (--quick: 10,000) in 16 namespaces, keys of 64 hexadecimal characters, responses of 500 bytes; keys are drawn
// uniformly; every answer is checked on both sides. Writes wait for the disk: fsync and synchronous_commit are on.
//
// That the rival is no straw man is a row of its own: the raw loop beside pgbench, which must agree within 5 % either
// way. pgbench can draw numbers but no such keys, so both sides of that row ask for one key, another in each
// repetition.

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "entries.hpp"
#include "pgbench.hpp"
#include "pinning.hpp"
#include "raw_postgres.hpp"
#include "side_by_side.hpp"
#include "stele/database.hpp"

namespace stele::bench {
namespace {

constexpr char kPgbenchSelect[] =
    "SELECT response FROM stele_bench.entries WHERE namespace = :namespace AND query_hash = :query_hash";
constexpr double kAtLeast = 0.95;
constexpr double kWindowSeconds = 0.2;  // short, so that the two sides of a pair meet the same machine

// ---- the two sides -------------------------------------------------------------------------------------------------

class Raw {
public:
    explicit Raw(const std::string& dsn) : connection_(dsn) {
        connection_.prepare("select", kSelect);
        connection_.prepare("upsert", kUpsert);
    }
    void select(const Key& key) {
        const RawConnection::Result result = connection_.execute("select", key.name_space, key.query_hash);
        const bool one = PQntuples(result.get()) == 1;
        check(key, one ? 1 : 0,
              one ? std::string_view(PQgetvalue(result.get(), 0, 0),
                                     static_cast<std::size_t>(PQgetlength(result.get(), 0, 0)))
                  : "");
    }
    void upsert(const Key& key, const std::string& response) {
        const RawConnection::Result result = connection_.execute("upsert", key.name_space, key.query_hash, response);
        if (std::string_view(PQcmdTuples(result.get())) != "1") throw std::runtime_error("nothing was written");
    }
    int backend_pid() const { return connection_.backend_pid(); }

private:
    RawConnection connection_;
};

class Ours {
public:
    explicit Ours(const std::string& dsn) : database_(open(dsn)) {}
    void select(const Key& key) {
        const Rows rows = database_.query(Statement(kSelect, key.name_space, key.query_hash));
        check(key, rows.size(), rows.empty() ? "" : rows[0].get<std::string_view>(std::size_t{0}));
    }
    void upsert(const Key& key, const std::string& response) {
        if (database_.execute(Statement(kUpsert, key.name_space, key.query_hash, response)) != 1) {
            throw std::runtime_error("nothing was written");
        }
    }
    int backend_pid() { return database_.query(Statement("SELECT pg_backend_pid()"))[0].get<std::int32_t>(0U); }

private:
    static Database open(const std::string& dsn) {
        DatabaseOptions options;
        options.dsn = dsn;
        options.bare = true;
        return Database::open(options);
    }
    Database database_;
};

void require_pinned(int cpu, std::initializer_list<int> backends) {
    for (const int backend : backends) {
        if (cpus_of(backend) != std::vector{cpu}) {
            throw std::runtime_error(fmt::format("backend {} is not pinned to CPU {}", backend, cpu));
        }
    }
}

// ---- the rows ------------------------------------------------------------------------------------------------------

class Bench {
public:
    explicit Bench(SideBySide& bench)
        : bench_(bench),
          repetitions_(bench.quick() ? 25 : 75),
          rows_(bench.quick() ? 10'000 : 100'000),
          dsn_(environment("STELE_TEST_DSN")),
          server_pid_(std::atoi(environment("STELE_TEST_PG_PID").c_str())),
          server_(dsn_),
          keys_((quieten(server_), fill(server_, rows_))) {
        bench.note(require_durable(server_));
        bench.note(fmt::format("Table of {} rows.", rows_));
    }

    void run() {
        {
            // Backends are forked from the server and so inherit its CPU.
            const int cpu = allowed_cpus().front();
            const Pinned pinned(cpu, {server_pid_});
            bench_.note(fmt::format("Pinned rows: client and backends on CPU {}.", cpu));
            Raw raw(dsn_);
            Ours ours(dsn_);
            require_pinned(cpu, {raw.backend_pid(), ours.backend_pid()});
            agree_with_pgbench(raw);
            select("pinned", ours, raw, kAtLeast);
            upsert("pinned", ours, raw, kAtLeast);
        }
        Raw raw(dsn_);
        Ours ours(dsn_);
        select("not pinned", ours, raw, {});
        upsert("not pinned", ours, raw, {});
        server_.run("DROP SCHEMA stele_bench CASCADE");
    }

private:
    std::string work(std::string_view what, std::string_view placement) const {
        return fmt::format("{}, one caller, {}{} (1/s)", what, placement,
                           bench_.quick() ? fmt::format(", only {} rows", rows_) : "");
    }

    void agree_with_pgbench(Raw& raw) {
        int turn = 0;
        Key key;
        double rate = 0;
        const auto key_of_this_repetition = [&]() -> const Key& {
            if (turn++ % 2 == 0) key = keys_.draw();
            return key;
        };
        const auto raw_per_second = [&] {
            const Key& same = key_of_this_repetition();
            return rate = per_second(kWindowSeconds, [&] { raw.select(same); });
        };
        const auto pgbench = [&] {
            const Key& same = key_of_this_repetition();
            return pgbench_per_second(dsn_, kPgbenchSelect, static_cast<long>(rate * kWindowSeconds),
                                      {{"namespace", same.name_space}, {"query_hash", same.query_hash}});
        };
        bench_.measure({.work = work("raw SELECT of one key", "pinned"),
                        .against = "pgbench -M prepared (ratio: of the slower to the faster)",
                        .compare = Compare::agreement,
                        .at_least = kAtLeast,
                        .repetitions = repetitions_,
                        .ours = raw_per_second,
                        .theirs = pgbench});
    }

    void select(std::string_view placement, Ours& ours, Raw& raw, std::optional<double> at_least) {
        const auto side = [&](auto& who) {
            return [&] { return per_second(kWindowSeconds, [&] { who.select(keys_.draw()); }); };
        };
        bench_.measure({.work = work("SELECT by key", placement),
                        .against = "raw libpq",
                        .at_least = at_least,
                        .repetitions = repetitions_,
                        .ours = side(ours),
                        .theirs = side(raw)});
    }

    void upsert(std::string_view placement, Ours& ours, Raw& raw, std::optional<double> at_least) {
        const auto side = [&](auto& who, auto next) {
            return [this, &who, next] {
                return per_second(kWindowSeconds, [&] {
                    const Key& key = next(keys_);
                    who.upsert(key, response_of(key));
                });
            };
        };
        const auto measure = [&](std::string_view what, auto next) {
            const std::string name = work(what, placement);
            if (!bench_.wants(name)) return;
            server_.run("VACUUM stele_bench.entries");
            server_.run("CHECKPOINT");
            bench_.measure({.work = name,
                            .against = "raw libpq",
                            .at_least = at_least,
                            .repetitions = repetitions_,
                            .ours = side(ours, next),
                            .theirs = side(raw, next)});
        };
        measure("upsert of a known key", [](Keys& keys) -> const Key& { return keys.draw(); });
        measure("upsert of a new key", [](Keys& keys) { return keys.make(); });
    }

    SideBySide& bench_;
    int repetitions_;
    int rows_;
    std::string dsn_;
    pid_t server_pid_;
    RawConnection server_;
    Keys keys_;
};

}  // namespace
}  // namespace stele::bench

int main(int argc, char** argv) {
    return stele::bench::run(argc, argv, "Statements through Stele beside the same through plain libpq.",
                             [](stele::bench::SideBySide& bench) { stele::bench::Bench(bench).run(); });
}

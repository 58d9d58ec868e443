// What do many callers cost, sharing two connections, beside a connection each?
//
// Point SELECTs and durable upserts on the table of the postgres bench, by callers that wait for each answer. The
// rivals are libpq used well: a thread and a connection for each of 8 callers, and two connections in pipeline mode
// that are kept full, by threads that wait for nobody. Not pinned unless a row says so: client and backends share all
// CPUs. Every answer is checked on both sides. Writes wait for the disk: fsync and synchronous_commit are on.

#include <fmt/core.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "async_crowd.hpp"
#include "crowd.hpp"
#include "entries.hpp"
#include "pinning.hpp"
#include "pipelined_postgres.hpp"
#include "raw_postgres.hpp"
#include "side_by_side.hpp"
#include "stele/database.hpp"
#include "support/proxy.hpp"

namespace stele::bench {
namespace {

constexpr std::size_t kRawThreads = 8, kWindow = 64, kMostCallers = 256;
constexpr std::size_t kOnce = 1;

class Raw {
public:
    explicit Raw(const std::string& dsn) : connection_(dsn) {
        connection_.prepare("select", kSelect);
        connection_.prepare("upsert", kUpsert);
    }
    std::size_t select(Keys& keys) {
        const Key& key = keys.draw();
        const RawConnection::Result row = connection_.execute("select", key.name_space, key.query_hash);
        check(key, static_cast<std::size_t>(PQntuples(row.get())),
              {PQgetvalue(row.get(), 0, 0), static_cast<std::size_t>(PQgetlength(row.get(), 0, 0))});
        return kOnce;
    }
    std::size_t upsert(Keys& keys) {
        const Key& key = keys.draw();
        connection_.execute("upsert", key.name_space, key.query_hash, response_of(key));
        return kOnce;
    }

private:
    RawConnection connection_;
};

/// How a statement of ours travels.
using Mark = std::function<Statement(Statement)>;

class Bench {
public:
    explicit Bench(SideBySide& bench)
        : bench_(bench),
          window_(bench.quick() ? 0.2 : 0.5),
          server_(environment("STELE_TEST_DSN")),
          keys_((quieten(server_), fill(server_, bench.quick() ? 10'000 : 100'000))) {
        bench.note(require_durable(server_));
        bench.note(fmt::format("Table of {} rows; {} CPUs.", keys_.size(), allowed_cpus().size()));
        for (std::size_t i = 0; i < kMostCallers; ++i) own_keys_.push_back(keys_.another(i + 2));
    }

    void run() {
        measure("unix socket", environment("STELE_TEST_DSN"));
        measure("TCP on loopback", environment("STELE_TEST_TCP_DSN"));
        far(environment("STELE_TEST_DSN"));
        beside_a_slow_one(environment("STELE_TEST_DSN"));
        server_.run("DROP SCHEMA stele_bench CASCADE");
    }

private:
    void measure(std::string_view way, const std::string& dsn) {
        {
            const Pinned pinned(allowed_cpus().front(), {std::atoi(environment("STELE_TEST_PG_PID").c_str())});
            Sides sides(dsn);
            alone(fmt::format("{}, pinned to one CPU", way), sides);
        }
        Sides sides(dsn);
        alone(fmt::format("{}, not pinned", way), sides);
        many(way, sides);
        writes(way, sides);
    }

    struct Sides {
        explicit Sides(const std::string& dsn) : database(open(dsn)) {
            for (std::size_t i = 0; i < kRawThreads; ++i) raw.push_back(std::make_unique<Raw>(dsn));
            for (int i = 0; i < 2; ++i) pipelined.push_back(std::make_unique<PipelinedConnection>(dsn));
        }
        static Database open(const std::string& dsn) {
            DatabaseOptions options;
            options.dsn = dsn;
            options.bare = true;
            return Database::open(options);
        }
        Database database;
        std::vector<std::unique_ptr<Raw>> raw;
        std::vector<std::unique_ptr<PipelinedConnection>> pipelined;
    };

    std::size_t select(Sides& sides, std::size_t caller, const Mark& mark) {
        const Key& key = own_keys_[caller].draw();
        const Rows rows = sides.database.query(mark(Statement(kSelect, key.name_space, key.query_hash)));
        check(key, rows.size(), rows.empty() ? "" : rows[0].get<std::string_view>(std::size_t{0}));
        return kOnce;
    }
    std::function<double()> ours_select(Sides& sides, std::size_t callers, const Mark& mark) {
        return [this, &sides, callers, mark] {
            return crowd_per_second(callers, window_, [&](std::size_t i, auto) { return select(sides, i, mark); });
        };
    }
    std::function<double()> ours_async(Sides& sides, const Mark& mark) {
        return [this, &sides, mark] { return async_select_per_second(sides.database, own_keys_, 64, window_, mark); };
    }
    std::function<double()> ours_upsert(Sides& sides, std::size_t callers) {
        return [this, &sides, callers] {
            return crowd_per_second(callers, window_, [&](std::size_t i, auto) {
                const Key& key = own_keys_[i].draw();
                const auto rows =
                    sides.database.execute(Statement(kUpsert, key.name_space, key.query_hash, response_of(key))
                                               .group_commit(key.name_space + "/" + key.query_hash));
                if (rows != 1) throw std::runtime_error("nothing was written");
                return kOnce;
            });
        };
    }
    std::function<double()> raw(Sides& sides, std::size_t threads, std::size_t (Raw::*work)(Keys&)) {
        return [this, &sides, threads, work] {
            return crowd_per_second(threads, window_,
                                    [&](std::size_t i, auto) { return ((*sides.raw[i]).*work)(own_keys_[i]); });
        };
    }
    std::function<double()> pipelined(Sides& sides,
                                      std::size_t (PipelinedConnection::*work)(Keys&, std::size_t,
                                                                               PipelinedConnection::Time)) {
        return [this, &sides, work] {
            return crowd_per_second(sides.pipelined.size(), window_, [&](std::size_t i, auto until) {
                return ((*sides.pipelined[i]).*work)(own_keys_[i], kWindow, until);
            });
        };
    }

    static Statement read(Statement statement) { return std::move(statement).read(); }
    static Statement by_key(Statement statement) { return std::move(statement).read_by_key(); }

    void row(const std::string& work, const char* against, double at_least, const std::function<double()>& ours,
             const std::function<double()>& theirs) {
        bench_.measure({.work = work + " (1/s)",
                        .against = against,
                        .at_least = bench_.quick() ? std::optional<double>() : at_least,
                        .ours = ours,
                        .theirs = theirs});
    }

    static constexpr const char* kEach = "raw, 8 threads, a connection each";
    static constexpr const char* kFull = "raw, 2 connections, window of 64, a Sync each";

    void alone(const std::string& where, Sides& sides) {
        row(fmt::format("SELECT, 1 caller, {}", where), "raw, synchronous", 0.95, ours_select(sides, 1, read),
            raw(sides, 1, &Raw::select));
    }

    void many(std::string_view way, Sides& sides) {
        const auto each = raw(sides, kRawThreads, &Raw::select);
        const auto full = pipelined(sides, &PipelinedConnection::select);
        const auto work = [way](std::string_view what) { return fmt::format("SELECT, {}, {}", what, way); };
        row(work("64 callers"), kEach, 2.0, ours_select(sides, 64, read), each);
        row(work("64 callers"), kFull, 1.2, ours_select(sides, 64, read), full);
        row(work("64 callers, merged"), kEach, 2.7, ours_select(sides, 64, by_key), each);
        row(work("64 callers, merged"), kFull, 1.6, ours_select(sides, 64, by_key), full);
        row(work("64 asynchronous callers on one thread and Stele's own"), kEach, 2.7, ours_async(sides, read), each);
        row(work("64 asynchronous callers on one thread and Stele's own, merged"), kEach, 4.5,
            ours_async(sides, by_key), each);
        row(work("8 callers"), kEach, 1.2, ours_select(sides, 8, read), each);
        row(work("256 callers"), kEach, 1.8, ours_select(sides, 256, read), each);
    }

    void writes(std::string_view way, Sides& sides) {
        const std::string work = fmt::format("durable upsert, 64 callers, {}", way);
        if (!bench_.wants(work)) return;
        server_.run("VACUUM stele_bench.entries");
        server_.run("CHECKPOINT");
        row(work, "raw, 8 threads, a row a commit", 3.5, ours_upsert(sides, 64), raw(sides, kRawThreads, &Raw::upsert));
        row(work, "raw, 2 connections, 64 rows a commit", 0.5, ours_upsert(sides, 64),
            pipelined(sides, &PipelinedConnection::upsert));
    }

    void far(const std::string& dsn) {
        const std::string work = "SELECT, 64 callers, 5 ms added to each round trip";
        if (!bench_.wants(work)) return;
        test::Proxy wire(dsn);
        Sides sides(wire.dsn());
        wire.delay(std::chrono::microseconds(2500));
        row(work, "raw, 2 connections, synchronous", 20, ours_select(sides, 64, read), raw(sides, 2, &Raw::select));
    }

    /// What 64 callers wait for an answer while one statement after the other, of a caller more, takes its time.
    std::function<double()> time(Sides& sides, Statement slow, double quantile) {
        return [this, &sides, slow = std::move(slow), quantile] {
            const Meanwhile meanwhile([&] { sides.database.query(slow); });
            return crowd_time(64, window_, quantile, [&](std::size_t i) { select(sides, i, read); });
        };
    }
    void beside_a_slow_one(const std::string& dsn) {
        Sides sides(dsn);
        const auto measure = [&](const char* work, const char* against, std::optional<double> at_least,
                                 const std::function<double()>& ours, const std::function<double()>& theirs) {
            bench_.measure({.work = work,
                            .against = against,
                            .compare = Compare::lower_is_better,
                            .at_least = bench_.quick() ? std::nullopt : at_least,
                            .ours = ours,
                            .theirs = theirs});
        };
        const Statement waits = Statement("SELECT pg_sleep(0.1)").slow_read();
        measure("SELECT, 64 callers, p99 beside a statement that waits (us)", "their own median", 1.0 / 3,
                time(sides, waits, 0.99), time(sides, waits, 0.5));
        const Statement burns = Statement("SELECT sum(i) FROM generate_series(1, 1000000) i").slow_read();
        measure("SELECT, 64 callers, p99 beside a statement that burns a CPU (us)",
                "raw, 8 threads, a connection each, beside the same", {}, time(sides, burns, 0.99), [&, burns] {
                    RawConnection slow(dsn);
                    const Meanwhile meanwhile([&] { slow.run(std::string(burns.sql().text())); });
                    return crowd_time(kRawThreads, window_, 0.99,
                                      [&](std::size_t i) { sides.raw[i]->select(own_keys_[i]); });
                });
    }

    SideBySide& bench_;
    std::chrono::duration<double> window_;
    RawConnection server_;
    Keys keys_;
    std::vector<Keys> own_keys_;
};

}  // namespace
}  // namespace stele::bench

int main(int argc, char** argv) {
    return stele::bench::run(argc, argv, "Statements of many callers through Stele beside libpq used well.",
                             [](stele::bench::SideBySide& bench) { stele::bench::Bench(bench).run(); });
}

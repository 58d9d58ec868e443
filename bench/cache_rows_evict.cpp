#include "cache_rows_evict.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "cache/entry_vector.hpp"
#include "entries.hpp"
#include "raw_postgres.hpp"
#include "stele/semantic_cache.hpp"

namespace stele::bench {
namespace {

constexpr std::int64_t kMost = 10'000;
constexpr int kEvictions = 10;
constexpr char kSchema[] = "stele_bench_evict";

/// A full cache, and the times of puts into it, until ten times a tenth was evicted: by one put and those that follow
/// it. Before that a tenth is evicted by a connection that is new, as every put connects once and is planned.
class FullCache {
public:
    FullCache() : server_(environment("STELE_TEST_DSN")), database_(open()) {
        server_.run(fmt::format(
            "INSERT INTO {}.entries (namespace, query_hash, query, response, embedding, metadata, created_at,"
            " last_accessed_at) SELECT 'default', i::text, 'old ' || i, 'r', decode(repeat('0000803f', 384), 'hex'),"
            " '{{}}', 1700000000 + i, 1700000000 + i FROM generate_series(1, {}) i",
            kSchema, kMost));
        server_.run(fmt::format("VACUUM (ANALYZE) {}.entries", kSchema));
        server_.run("CHECKPOINT");
    }
    ~FullCache() { server_.run(fmt::format("DROP SCHEMA {} CASCADE", kSchema)); }
    FullCache(const FullCache&) = delete;
    FullCache& operator=(const FullCache&) = delete;

    void put_until_it_evicted() {
        std::int64_t evicted = 0;  // by the put under way: events come on its thread
        SemanticCacheOptions options;
        options.max_entries = static_cast<std::size_t>(kMost);
        options.evict_at_once = SemanticCacheOptions::kEvictATenth;
        options.on_event = [&evicted](const CacheEvent& event) {
            if (event.kind == CacheEvent::Kind::eviction) evicted += event.count;
        };
        SemanticCache cache(database_, nullptr, options);
        const std::vector<float> vector(384, 1.0F);
        std::atomic<bool> done{false}, over{false};
        std::thread watcher([&] {
            RawConnection own(environment("STELE_TEST_DSN"));
            const std::string look = fmt::format("SELECT count(*) > {} FROM {}.entries", kMost, kSchema);
            while (!done) {
                if (own.run(look) == "t") over = true;
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
            }
        });
        std::int64_t gone = 0;
        for (int i = 0; gone < (kEvictions + 1) * kMost / 10; ++i) {
            evicted = 0;
            const double took = seconds([&] { cache.put(fmt::format("new {}", i), "r", {}, {.embedding = vector}); });
            if (i == 0) first_ = took;
            if (gone >= kMost / 10) (evicted > 0 ? slow_ : ordinary_).push_back(took);
            gone += evicted;
        }
        done = true;
        watcher.join();
        if (over) throw std::runtime_error("there were more entries than are allowed");
        std::sort(ordinary_.begin(), ordinary_.end());
    }
    double first() const { return first_; }
    double slowest() const { return *std::max_element(slow_.begin(), slow_.end()); }
    double ordinary_p99() const { return ordinary_[ordinary_.size() * 99 / 100]; }

private:
    static Database open() {
        DatabaseOptions options;
        options.dsn = environment("STELE_TEST_DSN");
        options.schema = kSchema;
        return Database::open(options);
    }
    RawConnection server_;
    Database database_;
    std::vector<double> slow_, ordinary_;
    double first_ = 0;
};

}  // namespace

void eviction_rows(SideBySide& bench, const std::function<double(const std::string& schema)>& rival) {
    const std::string work =
        "puts that evict 1,000 of 10,000 entries, about 64 each (ms, the slowest of all in ten such rounds)";
    if (!bench.wants(work)) return;
    // once: the ten are spread over 10,000 puts
    FullCache full;
    full.put_until_it_evicted();
    bench.note(fmt::format("The first put of all, which connected and evicted, took {:.1f} ms.", 1e3 * full.first()));
    const auto ours = [&] { return 1e3 * full.slowest(); };
    bench.measure({.work = work,
                   .against = "p99 of its other puts",
                   .compare = Compare::lower_is_better,
                   .at_least = 1.0 / 3,
                   .repetitions = 1,
                   .ours = ours,
                   .theirs = [&] { return 1e3 * full.ordinary_p99(); }});
    double slowest = 0;
    bench.measure({.work = work,
                   .against = "mneme, one such put",
                   .compare = Compare::lower_is_better,
                   .at_least = {},
                   .repetitions = 1,
                   .ours = ours,
                   .theirs = [&] {
                       if (slowest == 0) slowest = rival(kSchema);
                       return 1e3 * slowest;
                   }});
}

}  // namespace stele::bench

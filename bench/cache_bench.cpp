// What does the semantic cache cost beside mneme, which it takes the tables from, and beside raw libpq?
//
// 100,000 entries with vectors of 768 floats, clustered as embeddings of texts are; every answer is checked; vectors
// are given, so that no embedder is measured. Both sides read the same rows on the same server; not pinned. mneme notes
// each access in the call, with a commit; Stele does so behind it, or in the call where the row says so.

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/hash.hpp"
#include "cache/entry_vector.hpp"
#include "cache_index_rows.hpp"
#include "cache_rows_cost.hpp"
#include "cache_rows_evict.hpp"
#include "cache_rows_processes.hpp"
#include "cache_rows_worklist.hpp"
#include "clustered.hpp"
#include "companion.hpp"
#include "crowd.hpp"
#include "entries.hpp"
#include "raw_postgres.hpp"
#include "side_by_side.hpp"
#include "stele/copy.hpp"
#include "stele/semantic_cache.hpp"

namespace stele::bench {
namespace {

using Json = nlohmann::json;

constexpr char kPeakOf[] = "--cache-peak";
constexpr char kPackages[] = STELE_CACHE_RIVAL "/python";
constexpr std::size_t kDimension = 768, kWideDimension = 1536;
constexpr std::size_t kRivalThreads = 16;
constexpr float kNoise = 0.015F;  // each element of a question's vector differs by as much: a cosine of about 0.92

class NoEmbedder final : public Embedder {
public:
    explicit NoEmbedder(std::size_t dimension) : dimension_(dimension) {}
    std::size_t dimension() const override { return dimension_; }
    const std::string& fingerprint() const override { return fingerprint_; }
    std::vector<Embedding> embed(std::span<const std::string_view>, Deadline) override {
        throw std::runtime_error("the vector was given");
    }

private:
    const std::size_t dimension_;
    std::string fingerprint_ = "bench";
};

std::string question(std::size_t i) {
    return fmt::format("q{}", i);
}

class Bench {
public:
    Bench(SideBySide& bench, std::size_t dimension)
        : bench_(bench),
          dimension_(dimension),
          rows_(bench.quick() ? 10'000 : 100'000),
          seconds_(bench.quick() ? 0.2 : 0.5),
          server_(environment("STELE_TEST_DSN")),
          database_(database()),
          rival_(rival_words(environment("STELE_TEST_DSN"))) {
        quieten(server_);
        bench.note(require_durable(server_));
        bench.note(fmt::format("{} entries of {} floats.", rows_, dimension_));
        SemanticCache(database_, embedder_).close();  // settles whose vectors these are
        fill();
        server_.prepare(
            "lookup",
            "SELECT id, query, response, metadata, created_at, ttl FROM stele_bench.entries WHERE namespace "
            "= $1 AND query_hash = $2");
        ask({{"do", "open"}});
    }
    ~Bench() { server_.run("DROP SCHEMA stele_bench CASCADE"); }

    /// The other end of memory(): one question, one answer.
    static void tell_peak(std::size_t dimension) {
        std::string asked;
        std::getline(std::cin, asked);
        SemanticCache cache(database(), std::make_shared<NoEmbedder>(dimension));
        const GetOptions anything{.embedding = std::vector<float>(dimension, 1.0F), .similarity_threshold = -1.0F};
        if (!cache.get("never asked", {}, anything)) throw std::runtime_error("nothing was found");
        rusage usage{};
        ::getrusage(RUSAGE_SELF, &usage);
        std::cout << Json{{"figure", 1024 * usage.ru_maxrss}}.dump() << std::endl;
    }

    void run() {
        from_this_process();
        exact_from_the_tables();
        puts();
        const CostlySides sides = both_sides();
        costs(sides);
        worklist_rows(bench_, sides, dimension_);
        memory();
        evictions();
        hits_by_meaning();
    }
    /// The same question of vectors that are twice as long, in the forms that they may have in memory.
    void run_wide() {
        for (const auto& [format, at_least] : kWideRows) {
            const std::string what = wide(format);
            if (!bench_.wants(by_meaning(what))) continue;
            ask({{"do", "open"}, {"dtype", to_string(format)}});
            SemanticCache cache = open({.vector_format = format});
            row_by_meaning(cache, what, at_least);
        }
    }
    static bool wants_wide(const SideBySide& bench) {
        return std::any_of(std::begin(kWideRows), std::end(kWideRows),
                           [&](const auto& row) { return bench.wants(by_meaning(wide(row.first))); });
    }

private:
    static constexpr std::pair<VectorFormat, double> kWideRows[] = {
        {VectorFormat::float32, 1}, {VectorFormat::float16, 1}, {VectorFormat::int8, 5}};
    static std::string wide(VectorFormat format) {
        return fmt::format("{} elements, {}", kWideDimension, to_string(format));
    }
    static std::string by_meaning(const std::string& what) {
        return fmt::format("hit by meaning, {} (ms, median)", what);
    }

    static Database database(const std::string& dsn = environment("STELE_TEST_DSN")) {
        DatabaseOptions options;
        options.dsn = dsn;
        options.schema = "stele_bench";
        return Database::open(options);
    }
    std::vector<std::string> rival_words(const std::string& dsn) const {
        return {"python3", STELE_MNEME_RIVAL, kPackages, dsn, "stele_bench", std::to_string(dimension_)};
    }
    SemanticCache open(SemanticCacheOptions options) {
        options.similarity_threshold = 0.8F;
        return SemanticCache(database_, embedder_, options);
    }
    double ask(Json question) { return rival_.ask(question).at("figure").get<double>(); }
    double rival_median(const char* work) {
        return 1e6 * ask({{"do", "median"}, {"work", work}, {"rows", rows_}, {"seconds", seconds_}});
    }
    double rival_rate(const char* work) {
        return ask(
            {{"do", "rate"}, {"work", work}, {"rows", rows_}, {"seconds", 2 * seconds_}, {"threads", kRivalThreads}});
    }

    void fill() {
        Clustered clustered(dimension_);
        vectors_.reserve(rows_);
        Transaction transaction = database_.begin();
        CopyIn copy(transaction, {.name = "entries",
                                  .columns = {"namespace", "query_hash", "query", "response", "embedding", "metadata",
                                              "created_at", "last_accessed_at"},
                                  .schema = "stele_bench"});
        for (std::size_t i = 0; i < rows_; ++i) {
            vectors_.push_back(clustered.draw());
            const std::string asked = question(i);
            copy.add("default", query_hash(asked), asked, fmt::format("r{}", i), encode_entry_vector(vectors_.back()),
                     stele::Json::object(), now(), now());
        }
        copy.finish();
        transaction.commit();
        server_.run("VACUUM (ANALYZE) stele_bench.entries");
        server_.run("CHECKPOINT");
    }
    static std::int64_t now() {
        return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    }

    static void check(const std::optional<Hit>& hit, std::size_t i) {
        if (!hit || hit->response != fmt::format("r{}", i)) {
            throw std::runtime_error(fmt::format("question {} has another answer", i));
        }
    }
    static std::size_t next(std::size_t i, std::size_t rows) { return (i * 7919 + 13) % rows; }

    /// Questions of 200 bytes, most of them no ASCII: normalised, folded and hashed each time.
    void from_this_process() {
        SemanticCache cache = open({});
        const std::string asked = [] {
            std::string text;
            while (text.size() < 190) text += "Größe Straße ";
            return text + "2026";
        }();
        cache.put(asked, "kept", {}, {.embedding = vectors_.front()});
        const auto get = [&](SemanticCache& from) {
            const std::optional<Hit> hit = from.get(asked, {}, {.embedding = std::nullopt});
            if (!hit || hit->response != "kept") throw std::runtime_error("it was not found");
        };
        while (cache.get(asked)->layer != HitLayer::local) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        bench_.measure({.work = fmt::format("exact hit from this process, {} bytes (us, median)", asked.size()),
                        .against = "1.5, the bound",
                        .compare = Compare::lower_is_better,
                        .at_least = 1,
                        .ours = [&] { return 1e6 * median_seconds(seconds_, {[&] { get(cache); }}); },
                        .theirs = [] { return 1.5; }});
        const std::chrono::duration<double> time(seconds_);
        const auto rate = [&](std::size_t threads) {
            return crowd_per_second(threads, time, [&](std::size_t, auto) {
                for (int i = 0; i < 100; ++i) get(cache);
                return std::size_t{100};
            });
        };
        bench_.measure({.work = "exact hit from this process, 16 threads (1/s)",
                        .against = "one thread",
                        .at_least = 1.8,
                        .ours = [&] { return rate(16); },
                        .theirs = [&] { return rate(1); }});
        cache.remove(asked);
    }

    void exact_from_the_tables() {
        SemanticCache behind = open({.local_entries = 0}), within = open({.access_times = AccessTimes::within_call});
        std::size_t at = 0;
        const auto median = [&](SemanticCache& cache) {
            return 1e6 * median_seconds(seconds_, {[&] { check(cache.get(question(at)), at), at = next(at, rows_); }});
        };
        const std::string work = "exact hit from the tables, one caller (us, median)";
        bench_.measure({.work = work,
                        .against = "mneme",
                        .compare = Compare::lower_is_better,
                        .at_least = 7,
                        .ours = [&] { return median(behind); },
                        .theirs = [&] { return rival_median("exact"); }});
        bench_.measure({.work = work,
                        .against = "raw libpq, one SELECT",
                        .compare = Compare::lower_is_better,
                        .at_least = 0.9,
                        .ours = [&] { return median(behind); },
                        .theirs =
                            [&] {
                                return 1e6 * median_seconds(seconds_, {[&] {
                                                                const auto hash = query_hash(question(at));
                                                                const auto row = server_.execute(
                                                                    "lookup", std::string("default"), hash);
                                                                if (PQntuples(row.get()) != 1) {
                                                                    throw std::runtime_error("it was not found");
                                                                }
                                                                at = next(at, rows_);
                                                            }});
                            }});
        bench_.measure({.work = "exact hit from the tables, access noted within the call, one caller (us, median)",
                        .against = "mneme",
                        .compare = Compare::lower_is_better,
                        .at_least = 2.5,
                        .ours = [&] { return median(within); },
                        .theirs = [&] { return rival_median("exact"); }});
        many("exact hit from the tables, 64 callers (1/s)", "exact", 30,
             [&](std::size_t& i) { check(behind.get(question(i)), i), i = next(i, rows_); });
    }

    void puts() {
        SemanticCache cache = open({});
        std::size_t made = 0;
        bench_.measure({.work = "put of a new entry, one caller, durable (us, median)",
                        .against = "mneme",
                        .compare = Compare::lower_is_better,
                        .at_least = 3,
                        .ours =
                            [&] {
                                return 1e6 * median_seconds(seconds_, {[&] {
                                                                cache.put(fmt::format("ours {}", ++made), "r", "puts",
                                                                          {.embedding = vectors_.front()});
                                                            }});
                            },
                        .theirs = [&] { return rival_median("put"); }});
        std::atomic<std::size_t> many_made{0};
        many("put of a new entry, 64 callers, durable (1/s)", "put", 12, [&](std::size_t&) {
            cache.put(fmt::format("many {}", ++many_made), "r", "puts", {.embedding = vectors_.front()});
        });
    }

    void many(const char* work, const char* theirs, double at_least, const std::function<void(std::size_t&)>& call) {
        const std::chrono::duration<double> time(2 * seconds_);
        bench_.measure({.work = work,
                        .against = fmt::format("mneme, {} threads", kRivalThreads),
                        .at_least = at_least,
                        .ours =
                            [&] {
                                std::vector<std::size_t> at(64);
                                for (std::size_t i = 0; i < at.size(); ++i) at[i] = i * 31 % rows_;
                                return crowd_per_second(at.size(), time, [&](std::size_t i, auto) {
                                    call(at[i]);
                                    return std::size_t{1};
                                });
                            },
                        .theirs = [&, theirs] { return rival_rate(theirs); }});
    }

    /// A question that is like a stored one.
    std::vector<float> like(std::size_t i) {
        std::vector<float> vector = vectors_[i];
        for (float& value : vector) value += kNoise * noise_(random_);
        return checked_vector(std::move(vector), dimension_);
    }
    void row_by_meaning(SemanticCache& cache, const std::string& what, double at_least, std::size_t removed = 0) {
        const auto one = [&] {
            at_ = next(at_, rows_);
            if (removed != 0 && at_ % removed == 0) ++at_;
            return like(at_);
        };
        constexpr int kEach = 15;
        const auto median_of = [&](const std::function<double(const std::vector<float>&)>& timed) {
            std::vector<double> all;
            for (int i = 0; i < kEach; ++i) all.push_back(1e3 * timed(one()));
            std::nth_element(all.begin(), all.begin() + kEach / 2, all.end());
            return all[kEach / 2];
        };
        bench_.measure(
            {.work = by_meaning(what),
             .against = "mneme",
             .compare = Compare::lower_is_better,
             .at_least = at_least,
             .ours =
                 [&] {
                     return median_of([&](const std::vector<float>& vector) {
                         std::optional<Hit> hit;
                         const double took =
                             seconds([&] { hit = cache.get("never asked", {}, {.embedding = vector}); });
                         check(hit, at_);
                         return took;
                     });
                 },
             .theirs =
                 [&] {
                     return median_of([&](const std::vector<float>& vector) {
                         return ask(
                             {{"do", "semantic"}, {"vector", hex(vector)}, {"namespace", "default"}, {"number", at_}});
                     });
                 }});
    }
    void hits_by_meaning() {
        SemanticCache cache = open({});
        row_by_meaning(cache, "one namespace", 1.5);
        const std::string beside = "beside another namespace";
        if (bench_.wants(by_meaning(beside))) {
            cache.put("another", "r", "another", {.embedding = vectors_.front()});
            ask({{"do", "open"}});
            row_by_meaning(cache, beside, 5);
            cache.clear("another");
        }
        const std::string fewer = "1 % of the entries removed";
        if (!bench_.wants(by_meaning(fewer))) return;
        constexpr std::size_t kEvery = 100;
        ask({{"do", "open"}});
        ask({{"do", "remove"}, {"rows", rows_}, {"every", kEvery}});  // mneme marks their places, and Stele is told
        row_by_meaning(cache, fewer, 5, kEvery);
    }

    CostlySides both_sides() {
        return {.open =
                    [this](const std::string& dsn) {
                        SemanticCacheOptions options;
                        options.similarity_threshold = 0.8F;
                        options.local_entries = 0;
                        return SemanticCache(database(dsn), embedder_, options);
                    },
                .open_rival =
                    [this](const std::string& dsn) {
                        auto rival = std::make_unique<Companion>(rival_words(dsn));
                        rival->ask({{"do", "open"}});
                        return rival;
                    },
                .rows = rows_,
                .seconds = seconds_};
    }
    /// What the times do not show, of the main works.
    void costs(const CostlySides& sides) {
        cost_rows(bench_, sides, {"exact hit from the tables", "exact", [this](SemanticCache& cache, std::size_t call) {
                                      const std::size_t i = next(call, rows_);
                                      check(cache.get(question(i)), i);
                                  }});
        cost_rows(bench_, sides, {"put of a new entry", "put", [this](SemanticCache& cache, std::size_t) {
                                      cache.put(fmt::format("costly {}", ++costly_), "r", "puts",
                                                {.embedding = vectors_.front()});
                                  }});
    }
    /// Of a process that does nothing but open the cache and ask once by meaning, which needs all vectors.
    void memory() {
        bench_.measure({.work = "memory of a process after one get by meaning, at most (MB)",
                        .against = "mneme",
                        .compare = Compare::lower_is_better,
                        .at_least = {},
                        .ours =
                            [this] {
                                Companion fresh({"/proc/self/exe", kPeakOf, std::to_string(dimension_)});
                                return 1e-6 * fresh.ask({})["figure"].get<double>();
                            },
                        .theirs =
                            [this] {
                                Companion fresh(rival_words(environment("STELE_TEST_DSN")));
                                fresh.ask({{"do", "open"}});
                                fresh.ask({{"do", "semantic"},
                                           {"vector", hex(vectors_.front())},
                                           {"namespace", "default"},
                                           {"number", 0}});
                                return 1e-6 * fresh.ask({{"do", "peak"}})["figure"].get<double>();
                            }});
    }
    void evictions() {
        eviction_rows(bench_, [this](const std::string& schema) {
            return ask({{"do", "evict"}, {"schema", schema}, {"dimension", 384}, {"most", 10'000}});
        });
    }
    static std::string hex(const std::vector<float>& vector) {
        std::string text;
        for (const float value : vector) {
            unsigned char bytes[sizeof(float)];
            std::memcpy(bytes, &value, sizeof bytes);
            for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
        }
        return text;
    }

    SideBySide& bench_;
    const std::size_t dimension_;
    const std::size_t rows_;
    const double seconds_;
    std::shared_ptr<Embedder> embedder_ = std::make_shared<NoEmbedder>(dimension_);
    RawConnection server_;
    Database database_;
    Companion rival_;
    std::vector<std::vector<float>> vectors_;
    std::size_t at_ = 0, costly_ = 0;
    std::mt19937 random_{3};
    std::normal_distribution<float> noise_;
};

}  // namespace
}  // namespace stele::bench

int main(int argc, char** argv) {
    using namespace stele::bench;
    if (argc == 2 && argv[1] == kCacheProcess) return run_cache_process();
    if (argc == 3 && argv[1] == std::string_view(kPeakOf)) return Bench::tell_peak(std::stoull(argv[2])), 0;
    return run(argc, argv, "The semantic cache beside mneme and raw libpq.", [](SideBySide& bench) {
        Bench(bench, kDimension).run();
        process_rows(bench);
        measure_cache_index(bench);
        if (Bench::wants_wide(bench)) Bench(bench, kWideDimension).run_wide();
    });
}

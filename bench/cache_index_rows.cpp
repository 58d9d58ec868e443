#include "cache_index_rows.hpp"

#include <fmt/core.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "cache/entry_vector.hpp"
#include "cache/vector_space.hpp"
#include "clustered.hpp"
#include "entries.hpp"
#include "raw_postgres.hpp"
#include "scans.hpp"
#include "stele/copy.hpp"
#include "stele/semantic_cache.hpp"
#include "vectors/kernels.hpp"

namespace stele::bench {
namespace {

constexpr std::size_t kDimension = 768;
constexpr float kEveryScore = -2.0F;
constexpr char kSchema[] = "stele_bench_index";

volatile std::uint64_t sink;  // the compiler must not drop work whose result nobody looks at

double milliseconds(const std::function<void()>& work) {
    return 1e3 * seconds(work);
}

/// Vectors of a bench, and questions that are like some of them.
class Vectors {
public:
    explicit Vectors(std::size_t rows) {
        Clustered clustered(kDimension);
        rows_.reserve(rows);
        for (std::size_t i = 0; i < rows; ++i) rows_.push_back(clustered.draw());
    }
    std::size_t size() const noexcept { return rows_.size(); }
    const std::vector<float>& row(std::size_t i) const { return rows_[i]; }
    std::vector<float> question() {
        constexpr float kNoise = 0.015F;  // a cosine of about 0.92
        std::vector<float> vector = rows_[random_() % rows_.size()];
        for (float& value : vector) value += kNoise * noise_(random_);
        return checked_vector(std::move(vector), kDimension);
    }
    /// Ids from `first` on.
    void fill(VectorSpace& space, std::size_t first, std::size_t count) const {
        for (std::size_t i = first; i < first + count; ++i) put(space, static_cast<std::int64_t>(i), i);
    }
    void put(VectorSpace& space, std::int64_t id, std::size_t row) const {
        space.put(id, {.question = static_cast<QuestionTag>(id) + 1, .writer = 1}, rows_[row % rows_.size()]);
    }

private:
    std::vector<std::vector<float>> rows_;
    std::mt19937 random_{3};
    std::normal_distribution<float> noise_;
};

double search_ms(const VectorSpace& space, Vectors& vectors) {
    const std::vector<float> question = vectors.question();
    return milliseconds([&] { sink = static_cast<std::uint64_t>(space.search(question, 8, kEveryScore).front().id); });
}

void measure_searches(SideBySide& bench, Vectors& vectors) {
    const std::size_t rows = vectors.size();
    const std::string size = fmt::format("{} x {}", rows, kDimension);
    const std::string alone = fmt::format("index time, {}, float32 (ms)", size);
    const std::string ten = fmt::format("index time, {}, float32, beside nine other scopes (ms)", size);
    const std::string dead = fmt::format("index time, {}, float32, 1 % removed (ms)", size);
    const std::string bytes = fmt::format("index time, {}, int8, k=8 (ms)", size);
    const std::string best = fmt::format("int8, {}: same best of 1,000 questions after re-scoring 8 (share)", size);
    if (!bench.wants(alone) && !bench.wants(ten) && !bench.wants(dead) && !bench.wants(bytes) && !bench.wants(best)) {
        return;
    }
    FlatIndex index(kDimension);  // alone, so that its memory can be read
    VectorSpace space(kDimension), removed(kDimension), codes(kDimension, VectorFormat::int8);
    for (std::size_t i = 0; i < rows; ++i) index.upsert(static_cast<std::int64_t>(i), vectors.row(i));
    vectors.fill(space, 0, rows);
    vectors.fill(codes, 0, rows);
    bench.measure(
        {.work = alone,
         .against = "pure read of the same memory",
         .compare = Compare::lower_is_better,
         .at_least = 0.85,
         .repetitions = 51,
         .ours =
             [&] {
                 const std::vector<float> question = vectors.question();
                 return milliseconds(
                     [&] { sink = static_cast<std::uint64_t>(index.search(question, 8, kEveryScore).front().id); });
             },
         .theirs =
             [&] {
                 return milliseconds([&] {
                     std::uint64_t sum = 0;
                     for (const std::span<const std::byte> block : index.memory()) {
                         sum += read_all({reinterpret_cast<const float*>(block.data()), block.size() / sizeof(float)});
                     }
                     sink = sum;
                 });
             }});
    {
        std::vector<std::unique_ptr<VectorSpace>> others;
        for (std::size_t i = 0; bench.wants(ten) && i < 9; ++i) {
            others.push_back(std::make_unique<VectorSpace>(kDimension));
            vectors.fill(*others.back(), 0, rows / 10);
        }
        std::size_t next = 0;
        bench.measure({.work = ten,
                       .against = "the same scope alone",
                       .compare = Compare::lower_is_better,
                       .at_least = 0.9,
                       .repetitions = 51,
                       .ours =
                           [&] {
                               search_ms(*others[next++ % others.size()], vectors);  // which others ask, too
                               return search_ms(space, vectors);
                           },
                       .theirs = [&] { return search_ms(space, vectors); }});
    }
    vectors.fill(removed, 0, rows + rows / 100);
    for (std::size_t i = 0; i < rows / 100; ++i) removed.remove(static_cast<std::int64_t>(i * 101));
    bench.measure({.work = dead,
                   .against = "the same rows, none removed",
                   .compare = Compare::lower_is_better,
                   .at_least = 0.9,
                   .repetitions = 51,
                   .ours = [&] { return search_ms(removed, vectors); },
                   .theirs = [&] { return search_ms(space, vectors); }});
    bench.measure({.work = bytes,
                   .against = "float32",
                   .compare = Compare::lower_is_better,
                   .at_least = 2,
                   .repetitions = 51,
                   .ours = [&] { return search_ms(codes, vectors); },
                   .theirs = [&] { return search_ms(space, vectors); }});
    const auto same = [&] {
        constexpr int kQuestions = 1000;
        int found = 0;
        for (int i = 0; i < kQuestions; ++i) {
            const std::vector<float> question = vectors.question();
            const std::int64_t exact = space.search(question, 1, kEveryScore).front().id;
            std::pair<double, std::int64_t> most{kEveryScore, -1};
            for (const Candidate& one : codes.search(question, 8, kEveryScore)) {
                const std::vector<float>& row = vectors.row(static_cast<std::size_t>(one.id));
                most = std::max(most, {std::inner_product(row.begin(), row.end(), question.begin(), 0.0), one.id});
            }
            found += most.second == exact ? 1 : 0;
        }
        return static_cast<double>(found) / kQuestions;
    };
    bench.measure({.work = best, .against = "float32", .at_least = 0.999, .repetitions = 1, .ours = same, .theirs = [] {
                       return 1.0;
                   }});
}

class NoEmbedder final : public Embedder {
public:
    std::size_t dimension() const override { return kDimension; }
    const std::string& fingerprint() const override { return fingerprint_; }
    std::vector<Embedding> embed(std::span<const std::string_view>, Deadline) override {
        throw std::runtime_error("the vector was given");
    }

private:
    std::string fingerprint_ = "bench";
};

class Opening {
public:
    Opening(SideBySide& bench, Vectors& vectors)
        : bench_(bench), vectors_(vectors), raw_(environment("STELE_TEST_DSN")) {
        quieten(raw_);
        SemanticCache(database_, embedder_).close();  // settles whose vectors these are
        Transaction transaction = database_.begin();
        CopyIn copy(transaction, {.name = "entries",
                                  .columns = {"namespace", "query_hash", "query", "response", "embedding", "metadata",
                                              "created_at", "last_accessed_at"},
                                  .schema = kSchema});
        for (std::size_t i = 0; i < vectors.size(); ++i) {
            const std::string question = fmt::format("q{}", i);
            copy.add("default", query_hash(question), question, fmt::format("r{}", i),
                     encode_entry_vector(vectors.row(i)), Json::object(), std::int64_t{0}, std::int64_t{0});
        }
        copy.finish();
        transaction.commit();
        raw_.run(fmt::format("VACUUM (ANALYZE) {}.entries", kSchema));
        raw_.run("CHECKPOINT");
    }
    ~Opening() { raw_.run(fmt::format("DROP SCHEMA {} CASCADE", kSchema)); }

    void run(const std::string& work) {
        bench_.measure({.work = work,
                        .against = "raw libpq, binary COPY of the same columns",
                        .compare = Compare::lower_is_better,
                        .at_least = 0.8,
                        .repetitions = 5,
                        .ours = [&] { return first_hit_ms({}); },
                        .theirs = [&] { return milliseconds([&] { copy(); }); }});
    }
    /// With the connection to the server, as a command would.
    void from_snapshot(const std::string& work) {
        const auto folder = std::filesystem::temp_directory_path() / fmt::format("stele-bench-{}", ::getpid());
        const auto ms = [&] {
            const std::vector<float> question = vectors_.question();
            std::optional<Database> database;
            std::optional<SemanticCache> cache;
            const double took = milliseconds([&] {
                database.emplace(open_database());
                SemanticCacheOptions options;
                options.similarity_threshold = 0.8F;
                options.index_snapshot = folder;
                cache.emplace(*database, embedder_, std::move(options));
                ask(*cache, question);
            });
            cache->close();
            return took;
        };
        ms();  // leaves it
        bench_.measure({.work = work,
                        .against = "100, the bound",
                        .compare = Compare::lower_is_better,
                        .at_least = 1,
                        .repetitions = 9,
                        .ours = ms,
                        .theirs = [] { return 100.0; }});
        std::filesystem::remove_all(folder);
    }
    void by_format(const std::string& work) {
        // without room for copies, with which float32 is as quick as codes are
        SemanticCache floats = open({.index_bytes = bytes_loaded()});
        SemanticCache codes = open({.vector_format = VectorFormat::int8});
        const auto ms = [&](SemanticCache& cache) {
            const std::vector<float> question = vectors_.question();
            return milliseconds([&] { ask(cache, question); });
        };
        bench_.measure({.work = work,
                        .against = "float32 without copies",
                        .compare = Compare::lower_is_better,
                        .at_least = 2,
                        .repetitions = 31,
                        .ours = [&] { return ms(codes); },
                        .theirs = [&] { return ms(floats); }});
    }

private:
    static Database open_database() {
        DatabaseOptions options;
        options.dsn = environment("STELE_TEST_DSN");
        options.schema = kSchema;
        return Database::open(options);
    }
    SemanticCache open(SemanticCacheOptions options) {
        options.similarity_threshold = 0.8F;
        return SemanticCache(database_, embedder_, std::move(options));
    }
    std::size_t bytes_loaded() {
        SemanticCache cache = open({});
        ask(cache, vectors_.question());
        return cache.stats().index_bytes;
    }
    static void ask(SemanticCache& cache, const std::vector<float>& question) {
        if (!cache.get("never asked", {}, {.embedding = question})) throw std::runtime_error("it was not found");
    }
    double first_hit_ms(SemanticCacheOptions options) {
        const std::vector<float> question = vectors_.question();
        return milliseconds([&] {
            SemanticCache cache = open(std::move(options));
            ask(cache, question);
        });
    }
    void copy() {
        const RawConnection::Result begun(PQexec(
            raw_.get(), fmt::format("COPY (SELECT id, query_hash, embedding, xmin::text::bigint FROM {}.entries WHERE "
                                    "namespace = 'default') TO STDOUT (FORMAT binary)",
                                    kSchema)
                            .c_str()));
        if (PQresultStatus(begun.get()) != PGRES_COPY_OUT) throw std::runtime_error(PQerrorMessage(raw_.get()));
        char* piece = nullptr;
        std::size_t bytes = 0;
        for (int size = 0; (size = PQgetCopyData(raw_.get(), &piece, 0)) > 0;) {
            bytes += static_cast<std::size_t>(size);
            PQfreemem(piece);
        }
        while (PGresult* result = PQgetResult(raw_.get())) PQclear(result);
        if (bytes < vectors_.size() * kDimension * sizeof(float)) throw std::runtime_error("rows are missing");
    }

    SideBySide& bench_;
    Vectors& vectors_;
    RawConnection raw_;
    Database database_ = open_database();
    std::shared_ptr<Embedder> embedder_ = std::make_shared<NoEmbedder>();
};

void measure_opening(SideBySide& bench, Vectors& vectors) {
    const std::string size = fmt::format("{} x {}", vectors.size(), kDimension);
    const std::string open = fmt::format("open and a first hit by meaning, {} (ms)", size);
    const std::string format = fmt::format("hit by meaning, {}, int8, re-scored from the tables (ms)", size);
    const std::string snapshot = fmt::format("open and a first hit by meaning, {}, from a snapshot (ms)", size);
    if (!bench.wants(open) && !bench.wants(format) && !bench.wants(snapshot)) return;
    Opening opening(bench, vectors);
    opening.run(open);
    if (bench.wants(snapshot)) opening.from_snapshot(snapshot);
    if (bench.wants(format)) opening.by_format(format);
}

double resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    double all = 0, resident = 0;
    statm >> all >> resident;
    return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

void measure_memory(SideBySide& bench) {
    const std::size_t rows = bench.quick() ? 100'000 : 1'000'000;
    constexpr std::size_t kShort = 384;
    const std::string work = fmt::format("memory of a scope, {} x {}, int8 (MB resident)", rows, kShort);
    if (!bench.wants(work)) return;
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    std::vector<std::vector<float>> units(1024, std::vector<float>(kShort));
    for (std::vector<float>& unit : units) {
        for (float& value : unit) value = normal(random);
        kernels::normalize(unit);
    }
    bench.measure({.work = work,
                   .against = "1.25 times the vectors' bytes",
                   .compare = Compare::lower_is_better,
                   .at_least = 1,
                   .repetitions = 1,
                   .ours =
                       [&] {
                           malloc_trim(0);
                           const double before = resident_bytes();
                           VectorSpace space(kShort, VectorFormat::int8);
                           for (std::size_t i = 0; i < rows; ++i) {
                               const auto id = static_cast<std::int64_t>(i);
                               space.put(id, {.question = question_tag(std::to_string(i)), .writer = 1},
                                         units[i % units.size()]);
                           }
                           return (resident_bytes() - before) / 1e6;
                       },
                   .theirs = [&] { return 1.25 * static_cast<double>(rows * kShort) / 1e6; }});
}

}  // namespace

void measure_cache_index(SideBySide& bench) {
    {
        Vectors vectors(bench.quick() ? 10'000 : 100'000);
        measure_searches(bench, vectors);
        measure_opening(bench, vectors);
    }
    measure_memory(bench);
}

}  // namespace stele::bench

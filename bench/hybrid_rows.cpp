#include "hybrid_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <vector>

#include "clustered.hpp"
#include "entries.hpp"
#include "index/pgvector_value.hpp"
#include "raw_postgres.hpp"
#include "stele/vector_index.hpp"

namespace bench_pages {

struct Page {
    int number = 0;
    std::string text;
};
STELE_DESCRIBE(Page, (number), (text))

}  // namespace bench_pages

namespace stele::bench {
namespace {

using bench_pages::Page;

constexpr std::size_t kDimension = 384, kWords = 60, kVocabulary = 20'000, kRare = 500, kQueries = 50;
constexpr std::int64_t kLimit = 10;

// The same candidates, ranks and fusion, as one writes them: on an index of the text alone, with the breadth that a
// plain search of so many rows takes.
constexpr char kByHand[] =
    "WITH n AS MATERIALIZED (SELECT id, payload, embedding <=> $1::vector AS d FROM stele_hybrid.pages ORDER BY d "
    "LIMIT "
    "50), v AS (SELECT id, payload, row_number() OVER (ORDER BY d) AS place FROM n), t AS (SELECT id, payload, "
    "row_number() OVER (ORDER BY rank DESC) AS place FROM (SELECT id, payload, ts_rank(to_tsvector('simple', payload->>"
    "'text'), q) AS rank FROM stele_hybrid.pages, websearch_to_tsquery('simple', $2) q WHERE to_tsvector('simple', "
    "payload->>'text') @@ q ORDER BY rank DESC LIMIT 50) r) SELECT coalesce(v.id, t.id), coalesce(v.payload, "
    "t.payload), "
    "coalesce(1.0 / (60 + v.place), 0) + coalesce(1.0 / (60 + t.place), 0) AS score FROM v FULL JOIN t ON t.id = v.id "
    "ORDER BY score DESC LIMIT 10";

class HybridRows {
public:
    explicit HybridRows(SideBySide& bench) : bench_(bench), raw_(environment("STELE_TEST_DSN")), database_(open()) {
        quieten(raw_);
        load();
    }
    ~HybridRows() { raw_.run("DROP SCHEMA stele_hybrid CASCADE"); }
    HybridRows(const HybridRows&) = delete;
    HybridRows& operator=(const HybridRows&) = delete;

    static std::size_t rows(const SideBySide& bench) { return bench.quick() ? 5'000 : 20'000; }
    static std::string work(const SideBySide& bench) {
        return fmt::format("hybrid search, {}k x {}, HNSW and two words (ms, median)", rows(bench) / 1000, kDimension);
    }

    void run() {
        const double seconds = bench_.quick() ? 0.2 : 0.5;
        std::size_t ours = 0, theirs = 0;
        for (std::size_t i = 0; i < kQueries; ++i) {
            if (search(i) != by_hand(i)) throw std::runtime_error("the two find different numbers of pages");
        }
        bench_.measure(
            {.work = work(bench_),
             .against = "the same fusion by hand",
             .compare = Compare::lower_is_better,
             .at_least = {},
             .ours = [&] { return 1e3 * median_seconds(seconds, {[&] { search(ours++ % kQueries); }}); },
             .theirs = [&] { return 1e3 * median_seconds(seconds, {[&] { by_hand(theirs++ % kQueries); }}); }});
    }

private:
    static Database open() {
        DatabaseOptions options;
        options.dsn = environment("STELE_TEST_DSN");
        options.schema = "stele_hybrid";
        return Database::open(options);
    }

    void load() {
        Clustered clustered(kDimension);
        std::mt19937 random(3);
        // A few words are in many pages, as in any language. What is looked for is in one of a hundred: of commoner
        // ones both sides would do little else than rank pages.
        const auto word = [&] {
            const double even = static_cast<double>(random()) / static_cast<double>(std::mt19937::max());
            return "w" + std::to_string(static_cast<int>(std::pow(static_cast<double>(kVocabulary), even)));
        };
        std::vector<Page> pages;
        for (std::size_t i = 0; i < rows(bench_); ++i) {
            std::string text;
            for (std::size_t n = 0; n < kWords; ++n) text += word() + ' ';
            pages.push_back({static_cast<int>(i), std::move(text)});
        }
        for (std::size_t i = 0; i < kQueries; ++i) {
            vectors_.push_back(clustered.draw());
            words_.push_back(fmt::format("w{} or w{}", kRare + random() % kRare, kRare + random() % kRare));
        }
        index_ = VectorIndex<Page>(database_, nullptr, {.table = "pages"});
        index_.index_all(pages, [&](const Page&) { return clustered.draw(); });
        index_ = VectorIndex<Page>(database_, nullptr,
                                   {.table = "pages", .ann = AnnIndex::hnsw, .text = {field(&Page::text)}});
        index_.build_indexes({.memory_mb = 400});
        raw_.run("CREATE INDEX ON stele_hybrid.pages USING gin (to_tsvector('simple', payload->>'text'))");
        raw_.run("VACUUM (ANALYZE) stele_hybrid.pages");
        for (const char* setting : {"hnsw.ef_search = 200", "jit = off"}) raw_.run(std::string("SET ") + setting);
        raw_.prepare("hybrid", kByHand);
    }

    std::size_t search(std::size_t i) const {
        return index_.search_hybrid(vectors_[i], {.limit = kLimit, .words = words_[i]}).size();
    }
    std::size_t by_hand(std::size_t i) const {
        const Bytes bytes = encode_pgvector(vectors_[i]);
        const char* const values[] = {reinterpret_cast<const char*>(bytes.data()), words_[i].c_str()};
        const int lengths[] = {static_cast<int>(bytes.size()), 0}, formats[] = {1, 0};
        const RawConnection::Result result(PQexecPrepared(raw_.get(), "hybrid", 2, values, lengths, formats, 0));
        if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) throw std::runtime_error(PQerrorMessage(raw_.get()));
        return static_cast<std::size_t>(PQntuples(result.get()));
    }

    SideBySide& bench_;
    RawConnection raw_;
    Database database_;
    VectorIndex<Page> index_{database_};
    std::vector<std::vector<float>> vectors_;
    std::vector<std::string> words_;
};

}  // namespace

void measure_hybrid(SideBySide& bench) {
    if (bench.wants(HybridRows::work(bench))) HybridRows(bench).run();
}

}  // namespace stele::bench

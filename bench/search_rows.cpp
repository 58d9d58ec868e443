#include "search_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <future>
#include <map>
#include <optional>
#include <stdexcept>

#include "clustered.hpp"
#include "entries.hpp"
#include "index/pgvector_value.hpp"
#include "raw_postgres.hpp"
#include "stele/copy.hpp"
#include "stele/vector_index.hpp"

namespace bench_documents {

struct Document {
    int number = 0;
    int bucket = 0;  // even among 0 to 999
    std::string text;
};
STELE_DESCRIBE(Document, (number), (bucket), (text))

}  // namespace bench_documents

namespace stele::bench {
namespace {

using bench_documents::Document;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kDimension = 768, kLimit = 10;
// An index that misses a theme misses whole queries of it, so a hundredth takes many of them to tell.
constexpr std::size_t kQueries = 1000;
constexpr double kWanted = 0.99;  // of the nearest
constexpr int kBuckets = 1000;
constexpr char kRecalled[] = " (recall@10)", kTimed[] = " (ms, median)";

float dot(const std::vector<float>& a, const std::vector<float>& b) {
    float sums[16] = {};
    for (std::size_t i = 0; i < a.size(); i += 16) {
        for (std::size_t j = 0; j < 16; ++j) sums[j] += a[i + j] * b[i + j];
    }
    float sum = 0;
    for (const float one : sums) sum += one;
    return sum;
}

/// A filter: documents of a bucket below this one.
struct Share {
    int below;
    std::string name() const { return fmt::format("{} %", below / 10.0); }
    FilterOf<Document> filter() const {
        return below == kBuckets ? FilterOf<Document>() : field(&Document::bucket) < below;
    }
};

constexpr Share kShares[] = {{1}, {10}, {100}, {500}, {kBuckets}};

/// One way to write the search by hand.
struct Way {
    std::string name, sql;
    std::vector<std::string> settings;
};

class SearchRows {
public:
    SearchRows(SideBySide& bench)
        : bench_(bench),
          rows_(rows(bench)),
          seconds_(bench.quick() ? 0.2 : 0.5),
          raw_(environment("STELE_TEST_DSN")),
          database_(open()),
          index_(database_, nullptr, options(AnnIndex::hnsw)) {
        quieten(raw_);
        bench_.note(require_durable(raw_));
        load();
    }
    ~SearchRows() { raw_.run("DROP SCHEMA stele_bench CASCADE"); }
    SearchRows(const SearchRows&) = delete;
    SearchRows& operator=(const SearchRows&) = delete;

    void run() {
        for (const Share share : kShares) measure(share);
    }
    static std::string work(const SideBySide& bench, Share share) {
        return fmt::format("search, {}k x {}, a filter that leaves {}", rows(bench) / 1000, kDimension, share.name());
    }

private:
    static std::size_t rows(const SideBySide& bench) { return bench.quick() ? 20'000 : 100'000; }
    static Database open() {
        DatabaseOptions options;
        options.dsn = environment("STELE_TEST_DSN");
        options.schema = "stele_bench";
        return Database::open(options);
    }
    static VectorIndexOptions options(AnnIndex ann) {
        return {.table = "documents", .ann = ann, .members = {field(&Document::bucket)}};
    }

    void load() {
        Clustered clustered(kDimension);
        std::mt19937 random(2);
        VectorIndex<Document> plain(database_, nullptr, {.table = "documents"});
        for (std::size_t i = 0; i < rows_; ++i) {
            documents_.push_back({static_cast<int>(i), static_cast<int>(random() % kBuckets), std::string(200, 'x')});
            vectors_.push_back(clustered.draw());
        }
        for (std::size_t i = 0; i < kQueries; ++i) queries_.push_back(clustered.draw());
        for (std::size_t i = 0; i < kQueries; ++i) tuning_.push_back(clustered.draw());
        plain.index({documents_[0]}, [&](const Document& document) { return vectors_[index_of(document)]; });
        plain.wipe();
        {
            Connection connection = database_.connect();
            CopyIn copy(connection, "COPY stele_bench.documents (embedding, payload, meta) FROM STDIN (FORMAT binary)",
                        Deadline::never());
            for (std::size_t i = 0; i < rows_; ++i) {
                copy.add(encode_pgvector(vectors_[i]), to_json(documents_[i]), Json::object());
            }
            copy.finish();
        }
        const auto begin = Clock::now();
        index_.build_indexes({.memory_mb = 700});
        bench_.note(fmt::format("{} documents of {} dimensions; building the HNSW index took {:.0f} s.", rows_,
                                kDimension, std::chrono::duration<double>(Clock::now() - begin).count()));
        // what somebody who writes by hand would have
        raw_.run("CREATE INDEX ON stele_bench.documents (((payload->>'bucket')::int))");
        raw_.run("VACUUM (ANALYZE) stele_bench.documents");
        const auto ids = raw_.query("SELECT id, payload->>'number' FROM stele_bench.documents");
        for (int i = 0; i < PQntuples(ids.get()); ++i) {
            numbers_[PQgetvalue(ids.get(), i, 0)] = std::stoi(PQgetvalue(ids.get(), i, 1));
        }
    }
    static std::size_t index_of(const Document& document) { return static_cast<std::size_t>(document.number); }

    using Queries = std::vector<std::vector<float>>;

    /// The worst score among the nearest, of each query: what is as near is as good.
    std::vector<float> truth(const Queries& queries, Share share, std::size_t& exist) const {
        std::vector<const std::vector<float>*> left;
        for (std::size_t i = 0; i < rows_; ++i) {
            if (documents_[i].bucket < share.below) left.push_back(&vectors_[i]);
        }
        exist = std::min(left.size(), kLimit);
        if (exist == 0) throw std::runtime_error("no document passes the filter");
        const auto last_of = [&left, exist](const std::vector<float>& query) {
            std::vector<float> scores;
            scores.reserve(left.size());
            for (const auto* vector : left) scores.push_back(dot(query, *vector));
            const auto nth = scores.begin() + static_cast<std::ptrdiff_t>(exist - 1);
            std::nth_element(scores.begin(), nth, scores.end(), std::greater<>());
            return *nth;
        };
        std::vector<float> last(queries.size());
        const auto every_second = [&](std::size_t first) {
            for (std::size_t i = first; i < queries.size(); i += 2) last[i] = last_of(queries[i]);
        };
        auto others = std::async(std::launch::async, every_second, 1);
        every_second(0);
        others.get();
        return last;
    }
    double recall(const Queries& queries, const std::vector<float>& last, std::size_t exist,
                  const std::function<std::vector<int>(const std::vector<float>&)>& search) const {
        std::size_t good = 0;
        for (std::size_t i = 0; i < queries.size(); ++i) {
            for (const int number : search(queries[i])) {
                if (dot(queries[i], vectors_[static_cast<std::size_t>(number)]) >= last[i] - 1e-5F) ++good;
            }
        }
        return static_cast<double>(good) / static_cast<double>(exist * queries.size());
    }

    std::vector<int> search(const std::vector<float>& query, Share share, std::size_t exist) const {
        const auto found = index_.search(query, {.limit = kLimit, .where = share.filter()});
        if (found.size() != exist) throw std::runtime_error("a search found fewer than there are");
        std::vector<int> numbers;
        for (const auto& one : found) numbers.push_back(one.value.number);
        return numbers;
    }

    static std::vector<Way> ways(Share share) {
        const std::string where = share.below == kBuckets ? "" : "WHERE (payload->>'bucket')::int < $2::int ";
        const Way exact{"exact",
                        "SELECT id, payload, 1 - d FROM (SELECT id, payload, (embedding <=> $1::vector) + 0 AS d FROM "
                        "stele_bench.documents " +
                            where + "ORDER BY d LIMIT 10) n",
                        {}};
        std::vector<Way> all;
        for (const int breadth : {40, 60, 80, 120, 160, 200, 300, 400, 600, 1000}) {
            all.push_back({fmt::format("HNSW, ef_search {}", breadth),
                           "WITH n AS MATERIALIZED (SELECT id, payload, embedding <=> $1::vector AS d FROM "
                           "stele_bench.documents " +
                               where +
                               "ORDER BY d LIMIT 10) SELECT id, payload, 1 - d FROM n "
                               "ORDER BY d",
                           {fmt::format("SET hnsw.ef_search = {}", breadth), "SET hnsw.iterative_scan = relaxed_order",
                            "SET enable_sort = off", "SET jit = off"}});
        }
        all.push_back(exact);
        if (share.below < kBuckets / 10) std::swap(all.front(), all.back());  // what is likely the quickest comes first
        return all;
    }
    void take(const Way& way, Share share) {
        raw_.run("DISCARD ALL");
        for (const std::string& setting : way.settings) raw_.run(setting);
        raw_.prepare("search", way.sql.c_str());
        below_ = share.below == kBuckets ? std::string() : std::to_string(share.below);
    }
    std::vector<int> by_hand(const std::vector<float>& query) {
        const Bytes bytes = encode_pgvector(query);
        const char* const values[] = {reinterpret_cast<const char*>(bytes.data()), below_.c_str()};
        const int lengths[] = {static_cast<int>(bytes.size()), 0}, formats[] = {1, 0};
        const std::unique_ptr<PGresult, RawConnection::Clear> result(
            PQexecPrepared(raw_.get(), "search", below_.empty() ? 1 : 2, values, lengths, formats, 0));
        if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) throw std::runtime_error(PQerrorMessage(raw_.get()));
        std::vector<int> numbers;
        for (int i = 0; i < PQntuples(result.get()); ++i)
            numbers.push_back(numbers_.at(PQgetvalue(result.get(), i, 0)));
        return numbers;
    }

    /// Milliseconds of the median search.
    template <class Search>
    double latency(double seconds, Search one) const {
        std::vector<double> all;
        const auto end = Clock::now() + std::chrono::duration<double>(seconds);
        for (std::size_t i = 0; all.size() < 10 || Clock::now() < end; ++i) {
            const auto begin = Clock::now();
            one(queries_[i % kQueries]);
            all.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
        }
        const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
        std::nth_element(all.begin(), middle, all.end());
        return *middle;
    }

    /// The quickest that finds enough: of other queries than those it is measured with, which nobody knows before, and,
    /// as the search itself must, of these.
    Way best(Share share, const std::vector<float>& judged) {
        std::size_t exist = 0;
        const std::vector<float> last = truth(tuning_, share, exist);
        std::optional<Way> best;
        double quickest = 0;
        for (const Way& way : ways(share)) {
            take(way, share);
            const double took = latency(seconds_ / 2, [this](const auto& query) { by_hand(query); });
            if (best && took >= quickest) continue;
            const auto finds = [&](const Queries& queries, const std::vector<float>& worst) {
                return recall(queries, worst, exist, [this](const auto& query) { return by_hand(query); }) >= kWanted;
            };
            const bool sees_all = way.settings.empty();
            if (!sees_all && !(finds(tuning_, last) && finds(queries_, judged))) continue;
            best = way;
            quickest = took;
        }
        return *best;
    }

    void measure(Share share) {
        const std::string work = SearchRows::work(bench_, share);
        const std::string recalled = work + kRecalled, timed = work + kTimed;
        if (!bench_.wants(recalled) && !bench_.wants(timed)) return;
        std::size_t exist = 0;
        const std::vector<float> last = truth(queries_, share, exist);
        const Way way = best(share, last);
        take(way, share);
        // once: the same queries find the same again
        const double found =
            recall(queries_, last, exist, [&](const auto& query) { return search(query, share, exist); });
        const double theirs = recall(queries_, last, exist, [this](const auto& query) { return by_hand(query); });
        bench_.measure({.work = recalled,
                        .against = "a look at every row",
                        .at_least = kWanted,
                        .ours = [found] { return found; },
                        .theirs = [] { return 1.0; }});
        bench_.measure(
            {.work = timed,
             .against = fmt::format("by hand, {}: recall {:.3f}", way.name, theirs),
             .compare = Compare::lower_is_better,
             .at_least = 1 / 1.2,
             .ours = [&] { return latency(seconds_, [&](const auto& query) { search(query, share, exist); }); },
             .theirs = [&] { return latency(seconds_, [this](const auto& query) { by_hand(query); }); }});
        const SearchPlan plan = index_.explain(queries_[0], {.limit = kLimit, .where = share.filter()});
        bench_.note(fmt::format(
            "Of {} the search thought {:.2f} %, and went {}.", share.name(), 100 * plan.share,
            plan.exact ? std::string("by every row") : fmt::format("by the index, ef_search {}", plan.breadth)));
    }

    SideBySide& bench_;
    const std::size_t rows_;
    const double seconds_;
    RawConnection raw_;
    Database database_;
    VectorIndex<Document> index_;
    std::vector<Document> documents_;
    std::vector<std::vector<float>> vectors_;
    Queries queries_, tuning_;
    std::map<std::string, int> numbers_;
    std::string below_;  // what the rival's filter is bound to; empty: none
};

}  // namespace

void measure_search(SideBySide& bench) {
    if (std::any_of(std::begin(kShares), std::end(kShares), [&](Share share) {
            const std::string work = SearchRows::work(bench, share);
            return bench.wants(work + kRecalled) || bench.wants(work + kTimed);
        })) {
        SearchRows(bench).run();
    }
}

}  // namespace stele::bench

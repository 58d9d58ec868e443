#include "bulk_rows.hpp"

#include <fmt/core.h>

#include <bit>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "entries.hpp"
#include "postgres/big_endian.hpp"
#include "raw_postgres.hpp"
#include "stele/vector_index.hpp"

namespace bench_index {

struct Passage {
    std::string title;
    int number = 0;
    std::vector<float> vector;  // not described: not stored twice
};
STELE_DESCRIBE(Passage, (title), (number))

}  // namespace bench_index

namespace stele::bench {
namespace {

using bench_index::Passage;

constexpr std::size_t kDimension = 768;
constexpr std::size_t kPieceBytes = 65536;
constexpr char kTable[] = "stele_bench_bulk.passage";

std::size_t rows_of(const SideBySide& bench) {
    return bench.quick() ? 10'000 : 100'000;
}
std::string work(const SideBySide& bench, std::string_view how) {
    return fmt::format("index {} x {}, vectors ready, no ANN index{} (rows/s)", rows_of(bench), kDimension, how);
}

class BulkRows {
public:
    explicit BulkRows(SideBySide& bench)
        : bench_(bench),
          rows_(rows_of(bench)),
          raw_(environment("STELE_TEST_DSN")),
          vectors_(rows_, std::vector<float>(kDimension)) {
        std::minstd_rand random(7);
        for (auto& vector : vectors_) {
            for (float& value : vector) value = static_cast<float>(random() % 2000) / 1000.0F - 1.0F;
        }
        quieten(raw_);
        raw_.run("DROP SCHEMA IF EXISTS stele_bench_bulk CASCADE");
        raw_.run("CREATE SCHEMA stele_bench_bulk");
    }
    ~BulkRows() { raw_.run("DROP SCHEMA stele_bench_bulk CASCADE"); }

    void run() {
        DatabaseOptions options;
        options.dsn = environment("STELE_TEST_DSN");
        options.schema = "stele_bench_bulk";
        options.bare = true;
        VectorIndex<Passage> index(Database::open(options));
        index.index({passage(0)}, &Passage::vector);  // makes the table
        raw_.run(fmt::format("ALTER TABLE {} SET (autovacuum_enabled = off)", kTable));
        prepare_insert();
        const auto ours = [&](const IndexAllOptions<Passage>& how) { return rate([&] { fill(index, how); }); };
        bench_.measure({.work = work(bench_, ""),
                        .against = "raw libpq, one binary COPY",
                        .at_least = 0.8,
                        .ours = [&] { return ours({}); },
                        .theirs = [&] { return rate([&] { copy(); }); }});
        bench_.measure({.work = work(bench_, ", by key"),
                        .against = "raw libpq, one binary COPY, no keys",
                        .at_least = {},
                        .ours = [&] { return ours({.key = &Passage::title}); },
                        .theirs = [&] { return rate([&] { copy(); }); }});
        bench_.measure({.work = work(bench_, ", all or nothing"),
                        .against = "raw libpq, one binary INSERT a row",
                        .at_least = 5,
                        .ours = [&] { return ours({}); },
                        .theirs = [&] { return rate([&] { insert(); }); }});
    }

private:
    Passage passage(std::size_t i) const { return {fmt::format("passage {}", i), static_cast<int>(i), vectors_[i]}; }

    /// Into an empty table, its WAL behind a checkpoint.
    template <class Work>
    double rate(Work work) {
        raw_.run(fmt::format("TRUNCATE {}", kTable));
        raw_.run("CHECKPOINT");
        const double took = seconds(work);
        if (raw_.run(fmt::format("SELECT count(*) FROM {}", kTable)) != std::to_string(rows_)) {
            throw std::runtime_error("rows are missing");
        }
        return static_cast<double>(rows_) / took;
    }

    void fill(VectorIndex<Passage>& index, const IndexAllOptions<Passage>& how) {
        std::size_t next = 0;
        index.index_all([&] { return next == rows_ ? std::nullopt : std::optional<Passage>(passage(next++)); },
                        &Passage::vector, how);
    }

    static void append_vector(std::string& out, const std::vector<float>& vector) {
        const std::size_t at = out.size();
        out.resize(at + 4 + vector.size() * sizeof(float));
        const auto size = swap_to_big_endian(static_cast<std::uint32_t>(vector.size()) << 16U);
        std::memcpy(out.data() + at, &size, sizeof size);
        for (std::size_t i = 0; i < vector.size(); ++i) {
            const auto bits = swap_to_big_endian(std::bit_cast<std::uint32_t>(vector[i]));
            std::memcpy(out.data() + at + 4 + i * sizeof bits, &bits, sizeof bits);
        }
    }
    static std::string payload(std::size_t i) {
        return fmt::format("\1{{\"title\":\"passage {}\",\"number\":{}}}", i, i);
    }

    void copy() {
        raw_.run("BEGIN");
        if (PQresultStatus(PQexec(raw_.get(), fmt::format("COPY {} (id, embedding, payload, meta) FROM STDIN (FORMAT "
                                                          "binary)",
                                                          kTable)
                                                  .c_str())) != PGRES_COPY_IN) {
            throw std::runtime_error(PQerrorMessage(raw_.get()));
        }
        std::string out("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", 19);
        const auto send = [&](std::size_t least) {
            if (out.size() < least) return;
            if (PQputCopyData(raw_.get(), out.data(), static_cast<int>(out.size())) != 1) {
                throw std::runtime_error(PQerrorMessage(raw_.get()));
            }
            out.clear();
        };
        for (std::size_t i = 0; i < rows_; ++i) {
            append_big_endian(out, std::int16_t{4});
            append_big_endian(out, std::int32_t{16});
            const Uuid id = Uuid::v7();
            out.append(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
            append_big_endian(out, static_cast<std::int32_t>(4 + kDimension * sizeof(float)));
            append_vector(out, vectors_[i]);
            for (const std::string& json : {payload(i), std::string("\1{}")}) {
                append_big_endian(out, static_cast<std::int32_t>(json.size()));
                out += json;
            }
            send(kPieceBytes);
        }
        append_big_endian(out, std::int16_t{-1});
        send(0);
        if (PQputCopyEnd(raw_.get(), nullptr) != 1) throw std::runtime_error(PQerrorMessage(raw_.get()));
        while (PGresult* result = PQgetResult(raw_.get())) {
            const bool good = PQresultStatus(result) == PGRES_COMMAND_OK;
            PQclear(result);
            if (!good) throw std::runtime_error(PQerrorMessage(raw_.get()));
        }
        raw_.run("COMMIT");
    }

    void prepare_insert() {
        raw_.prepare("insert",
                     fmt::format("INSERT INTO {} (id, embedding, payload, meta) VALUES ($1::uuid, $2::vector, "
                                 "$3::jsonb, $4::jsonb)",
                                 kTable)
                         .c_str());
    }
    void insert() {
        raw_.run("BEGIN");
        std::string vector;
        const std::string meta = "\1{}";
        for (std::size_t i = 0; i < rows_; ++i) {
            vector.clear();
            append_vector(vector, vectors_[i]);
            const Uuid id = Uuid::v7();
            const std::string json = payload(i);
            const char* values[] = {reinterpret_cast<const char*>(id.bytes.data()), vector.data(), json.data(),
                                    meta.data()};
            const int lengths[] = {16, static_cast<int>(vector.size()), static_cast<int>(json.size()),
                                   static_cast<int>(meta.size())};
            const int binary[] = {1, 1, 1, 1};
            const RawConnection::Result result(PQexecPrepared(raw_.get(), "insert", 4, values, lengths, binary, 1));
            if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) throw std::runtime_error(PQerrorMessage(raw_.get()));
        }
        raw_.run("COMMIT");
    }

    SideBySide& bench_;
    const std::size_t rows_;
    RawConnection raw_;
    std::vector<std::vector<float>> vectors_;
};

}  // namespace

void measure_bulk(SideBySide& bench) {
    for (const char* how : {"", ", by key", ", all or nothing"}) {
        if (bench.wants(work(bench, how))) return BulkRows(bench).run();
    }
}

}  // namespace stele::bench

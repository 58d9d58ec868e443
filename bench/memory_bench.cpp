// What does remembering cost beside the rows it stores, and recalling in a long thread beside a short one?
//
// Elements of about 300 bytes of JSON, 10 a call, each call durable. The rivals write the same rows into the same
// tables, with stamps that the server gives in one statement or that they know beforehand, as Python does; they take no
// lock, keep no order and cannot be repeated. One caller unless said otherwise, not pinned: client and server share all
// CPUs.

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "crowd.hpp"
#include "entries.hpp"
#include "raw_postgres.hpp"
#include "side_by_side.hpp"
#include "stele/model_memory.hpp"

namespace stele::bench {
namespace {

constexpr std::size_t kElements = 10, kRecalled = 50;
constexpr std::size_t kCallers = 64, kRawThreads = 8;

std::vector<ModelElement> call() {
    std::vector<ModelElement> all;
    for (std::size_t i = 0; i < kElements; ++i) {
        const std::string text = fmt::format("{} {}", i, std::string(200, 'x'));
        all.push_back(i % 2 == 0 ? ModelElement(ModelInput(Content(text))) : ModelElement(ModelOutput(Content(text))));
    }
    return all;
}

/// A connection that stores the rows of one call.
class RawMemory {
public:
    explicit RawMemory(std::string memory) : connection_(environment("STELE_TEST_DSN")), memory_(std::move(memory)) {
        for (const ModelElement& element : call()) rows_.push_back(to_json(element).text());
        connection_.prepare("base", "INSERT INTO stele_bench.memories (identifier) VALUES ($1) ON CONFLICT DO NOTHING");
        connection_.prepare("begin", "BEGIN");
        connection_.prepare("insert",
                            "INSERT INTO stele_bench.memories_elements (identifier, content, created) VALUES ($1, "
                            "$2::text::jsonb, clock_timestamp())");
        connection_.prepare("commit", "COMMIT");
        // what Python's driver sends when a connection goes back to its pool
        connection_.prepare("reset", "SELECT pg_advisory_unlock_all()");
        connection_.execute("base", memory_);
    }

    /// One round trip: everything and one Sync.
    void pipelined() {
        PGconn* const wire = connection_.get();
        require(PQenterPipelineMode(wire));
        send("begin", {});
        for (const std::string& row : rows_) send("insert", {memory_.c_str(), row.c_str()});
        send("commit", {});
        require(PQpipelineSync(wire));
        for (std::size_t i = 0; i < rows_.size() + 2; ++i) {
            expect(PGRES_COMMAND_OK);
            RawConnection::Result(PQgetResult(wire));  // the end of the command
        }
        expect(PGRES_PIPELINE_SYNC);
        require(PQexitPipelineMode(wire));
    }
    /// A round trip for each statement: n + 2.
    void synchronous() {
        run("begin");
        for (const std::string& row : rows_) connection_.execute("insert", memory_, row);
        run("commit");
    }
    /// With the one that Python's pool adds: n + 3.
    void as_python() {
        synchronous();
        run("reset");
    }

private:
    void run(const char* name) {
        const RawConnection::Result done(PQexecPrepared(connection_.get(), name, 0, nullptr, nullptr, nullptr, 0));
        const ExecStatusType status = PQresultStatus(done.get());
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail();
    }
    void send(const char* name, const std::vector<const char*>& values) {
        require(PQsendQueryPrepared(connection_.get(), name, static_cast<int>(values.size()), values.data(), nullptr,
                                    nullptr, 0));
    }
    void expect(ExecStatusType wanted) {
        const RawConnection::Result result(PQgetResult(connection_.get()));
        if (PQresultStatus(result.get()) != wanted) fail();
    }
    void require(int good) {
        if (good != 1) fail();
    }
    [[noreturn]] void fail() { throw std::runtime_error(PQerrorMessage(connection_.get())); }

    RawConnection connection_;
    const std::string memory_;
    std::vector<std::string> rows_;
};

class Bench {
public:
    explicit Bench(SideBySide& bench)
        : bench_(bench),
          seconds_(bench.quick() ? 0.2 : 0.5),
          database_(open()),
          server_(environment("STELE_TEST_DSN")) {
        quieten(server_);
        bench.note(require_durable(server_));
    }
    ~Bench() { server_.run("DROP SCHEMA stele_bench CASCADE"); }

    void run() {
        one_caller("raw, one pipelined transaction of the same rows", 0.9, &RawMemory::pipelined);
        one_caller("raw, a round trip each, n + 3 as Python's", 3, &RawMemory::as_python);
        many_callers("synchronous", 2, &RawMemory::synchronous);
        many_callers("pipelined", std::nullopt, &RawMemory::pipelined);
        long_and_short();
    }

private:
    static Database open() {
        DatabaseOptions options;
        options.dsn = environment("STELE_TEST_DSN");
        options.schema = "stele_bench";
        return Database::open(options);
    }

    void one_caller(const char* against, double at_least, void (RawMemory::*theirs)()) {
        ModelMemory memory(database_, "ours");
        RawMemory raw("theirs");
        const auto elements = call();
        bench_.measure({.work = fmt::format("remember of {} elements, one caller, durable (us, median)", kElements),
                        .against = against,
                        .compare = Compare::lower_is_better,
                        .at_least = at_least,
                        .ours = [&] { return 1e6 * median_seconds(seconds_, {[&] { memory.remember(elements); }}); },
                        .theirs = [&] { return 1e6 * median_seconds(seconds_, {[&] { (raw.*theirs)(); }}); }});
    }

    void many_callers(const char* how, std::optional<double> at_least, void (RawMemory::*theirs)()) {
        std::vector<ModelMemory> memories;
        for (std::size_t i = 0; i < kCallers; ++i) memories.emplace_back(database_, "caller " + std::to_string(i));
        std::vector<std::unique_ptr<RawMemory>> raw;
        for (std::size_t i = 0; i < kRawThreads; ++i) {
            raw.push_back(std::make_unique<RawMemory>("raw " + std::to_string(i)));
        }
        const auto elements = call();
        const std::chrono::duration<double> time(2 * seconds_);
        bench_.measure({.work = fmt::format("remember of {} elements, {} callers, a thread each, durable (1/s)",
                                            kElements, kCallers),
                        .against = fmt::format("raw, {} threads with a connection each, {}", kRawThreads, how),
                        .at_least = at_least,
                        .ours =
                            [&] {
                                return crowd_per_second(kCallers, time, [&](std::size_t i, auto) {
                                    memories[i].remember(elements);
                                    return std::size_t{1};
                                });
                            },
                        .theirs =
                            [&] {
                                return crowd_per_second(kRawThreads, time, [&](std::size_t i, auto) {
                                    ((*raw[i]).*theirs)();
                                    return std::size_t{1};
                                });
                            }});
    }

    /// The ratio says how much of the short one's speed the long one keeps.
    void long_and_short() {
        constexpr std::size_t kShort = 100;
        const std::size_t longer = bench_.quick() ? 10'000 : 100'000;
        const std::string work = fmt::format("recall of the last {} of {} elements (us, median)", kRecalled, longer);
        if (!bench_.wants(work)) return;
        const auto fill = [this](const std::string& name, std::size_t count) {
            const auto elements = call();
            std::vector<ModelElement> batch;
            for (std::size_t i = 0; i < std::min<std::size_t>(count, 1000); ++i) {
                batch.push_back(elements[i % kElements]);
            }
            ModelMemory memory(database_, name);
            for (std::size_t done = 0; done < count; done += batch.size()) memory.remember(batch);
            return memory;
        };
        const ModelMemory long_one = fill("long", longer), short_one = fill("short", kShort);
        server_.run("VACUUM (ANALYZE) stele_bench.memories_elements");
        const auto recall = [this](const ModelMemory& memory) {
            return 1e6 * median_seconds(seconds_, {[&memory] {
                                            if (memory.recall({.limit = kRecalled}).context.size() != kRecalled) {
                                                throw std::runtime_error("not as many as there are");
                                            }
                                        }});
        };
        bench_.measure({.work = work,
                        .against = fmt::format("the same of {}", kShort),
                        .compare = Compare::lower_is_better,
                        .at_least = 1 / 1.3,
                        .ours = [&] { return recall(long_one); },
                        .theirs = [&] { return recall(short_one); }});
    }

    SideBySide& bench_;
    const double seconds_;
    Database database_;
    RawConnection server_;
};

}  // namespace
}  // namespace stele::bench

int main(int argc, char** argv) {
    return stele::bench::run(argc, argv, "Memories beside the rows that they store.",
                             [](stele::bench::SideBySide& bench) { stele::bench::Bench(bench).run(); });
}

// What do the repositories cost beside the statements they stand for?
//
// Configurations of about 200 bytes, 1,000 identifiers with 10 revisions each, one caller unless said otherwise, not
// pinned: client and server share all CPUs. What is served from memory is beside one read of the clock, the least that
// a promise about age needs.

#include <fmt/core.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/boot_clock.hpp"
#include "coherence_rows.hpp"
#include "companion.hpp"
#include "entries.hpp"
#include "raw_postgres.hpp"
#include "side_by_side.hpp"
#include "stele/configuration.hpp"
#include "stele/templates.hpp"

namespace bench_settings {

struct Settings {
    std::string model, prompt;
    int tokens = 0;
};
STELE_DESCRIBE_AS("bench.settings", Settings, (model), (prompt), (tokens))

}  // namespace bench_settings

namespace stele::bench {
namespace {

constexpr char kPythonPackages[] = STELE_REPOSITORIES_RIVAL "/python";

using bench_settings::Settings;
using Clock = std::chrono::steady_clock;

constexpr int kIdentifiers = 1000;

std::string name(int i) {
    return "service." + std::to_string(i % kIdentifiers);
}

/// How often a second.
template <class Work>
double rate(double seconds, Work work) {
    const auto begin = Clock::now();
    const auto end = begin + std::chrono::duration<double>(seconds);
    int count = 0;
    while (Clock::now() < end) work(count++);
    return count / std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Microseconds of the median one: a disk that stalls now and then is no matter.
template <class Work>
double median_microseconds(double seconds, Work work) {
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    std::vector<double> all;
    for (auto begin = Clock::now(); begin < end;) {
        work();
        const auto done = Clock::now();
        all.push_back(std::chrono::duration<double, std::micro>(done - begin).count());
        begin = done;
    }
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
    std::nth_element(all.begin(), middle, all.end());
    return *middle;
}

/// Nanoseconds each.
template <class Work>
double nanoseconds(int times, Work work) {
    const auto begin = Clock::now();
    for (int i = 0; i < times; ++i) work();
    return std::chrono::duration<double, std::nano>(Clock::now() - begin).count() / times;
}

class Bench {
public:
    explicit Bench(SideBySide& bench)
        : bench_(bench),
          seconds_(bench.quick() ? 0.2 : 0.5),
          database_(open()),
          raw_(environment("STELE_TEST_DSN")),
          cached_(database_),
          uncached_(database_, uncached()) {
        quieten(raw_);
        bench.note(require_durable(raw_));
        raw_.run(
            "INSERT INTO stele_bench.configurations SELECT 'service.' || i, jsonb_build_object('model', 'm', 'prompt', "
            "repeat('x', 150), 'tokens', r), now() - r * interval '1 hour' FROM generate_series(0, 999) i, "
            "generate_series(1, 10) r");
        raw_.run("VACUUM (ANALYZE) stele_bench.configurations");
        raw_.prepare(
            "load",
            "SELECT content FROM stele_bench.configurations WHERE identifier = $1 ORDER BY created DESC LIMIT 1");
        // what define() sends, too: it adds nothing when nothing changed, and no older revision becomes the newest
        raw_.prepare("define",
                     "INSERT INTO stele_bench.configurations (identifier, created, content) SELECT $1, "
                     "greatest(clock_timestamp(), n.created + interval '1 us'), v.content FROM (SELECT $2::text::jsonb "
                     "AS content) v LEFT JOIN LATERAL (SELECT created, content FROM stele_bench.configurations WHERE "
                     "identifier = $1 ORDER BY created DESC LIMIT 1) n ON true WHERE n.created IS NULL OR v.content IS "
                     "DISTINCT FROM n.content RETURNING created");
        raw_.prepare("insert",
                     "INSERT INTO stele_bench.configurations (identifier, content) VALUES ($1, $2::text::jsonb)");
    }
    ~Bench() { raw_.run("DROP SCHEMA stele_bench CASCADE"); }

    void run() {
        served_from_memory();
        template_from_memory();
        missed_by_many();
        bench_.measure({.work = "load, not kept in memory (1/s)",
                        .against = "raw, the same statement",
                        .at_least = 0.9,
                        .ours =
                            [this] {
                                return rate(seconds_, [this](int i) {
                                    if (uncached_.load<Settings>(name(i))->tokens != 1)
                                        throw std::runtime_error("wrong");
                                });
                            },
                        .theirs =
                            [this] {
                                return rate(seconds_, [this](int i) {
                                    if (PQntuples(raw_.execute("load", name(i)).get()) != 1)
                                        throw std::runtime_error("none");
                                });
                            }});
        durable_define("raw, the same statement", "define", 0.9);
        durable_define("raw, a plain INSERT, with the same triggers", "insert", {});
        with_and_without_triggers();
        measure_coherence(bench_);
    }

private:
    static Database open() {
        DatabaseOptions options;
        options.dsn = environment("STELE_TEST_DSN");
        options.schema = "stele_bench";
        return Database::open(options);
    }
    static ConfigurationOptions uncached() {
        ConfigurationOptions options;
        options.cache_limit = 0;
        return options;
    }

    void served_from_memory() {
        constexpr int kTimes = 1'000'000;
        while (cached_.counts().hits == 0) cached_.load<Settings>(name(0));
        std::uint64_t loads = 0;
        bench_.measure({.work = "load, kept in memory (ns)",
                        .against = "one read of the clock",
                        .compare = Compare::lower_is_better,
                        .at_least = {},
                        .ours =
                            [&] {
                                const auto before = cached_.counts().loads;
                                const double each = nanoseconds(kTimes, [&] { cached_.load<Settings>("service.0"); });
                                loads += cached_.counts().loads - before;
                                return each;
                            },
                        .theirs = [] { return nanoseconds(kTimes, [] { BootClock::now(); }); }});
        bench_.note(fmt::format("Of all loads of what is kept, {} asked the database.", loads));
    }

    void template_from_memory() {
        constexpr int kTimes = 100'000;
        TemplatesRepository templates(database_);
        templates.define({"bench", {}, {{"name", ""}, {"question", ""}}}, "You help {%name%}.\n\n{%question%}\n");
        const Template handle{"bench", {{"name", "Ada"}, {"question", "How do I reset my password?"}}};
        while (templates.counts().hits == 0) templates.load("bench");
        bench_.measure({.work = "template with two arguments, kept in memory (ns)",
                        .against = "one read of the clock",
                        .compare = Compare::lower_is_better,
                        .at_least = {},
                        .ours = [&] { return nanoseconds(kTimes, [&] { templates.resolve_text(handle); }); },
                        .theirs = [] { return nanoseconds(kTimes, [] { BootClock::now(); }); }});
    }

    void missed_by_many() {
        constexpr int kCallers = 1000;
        std::barrier start(kCallers);
        const auto before = cached_.counts().loads;
        std::vector<std::thread> callers;
        callers.reserve(kCallers);
        for (int i = 0; i < kCallers; ++i) {
            callers.emplace_back([&] {
                start.arrive_and_wait();
                cached_.load<Settings>("service.77");
            });
        }
        for (std::thread& caller : callers) caller.join();
        bench_.note(fmt::format("{} threads that missed one configuration at once ran {} statement(s).", kCallers,
                                cached_.counts().loads - before));
    }

    void durable_define(const char* against, const char* statement, std::optional<double> at_least) {
        bench_.measure({.work = "define, durable (us, median)",
                        .against = against,
                        .compare = Compare::lower_is_better,
                        .at_least = at_least,
                        .ours =
                            [this] {
                                return median_microseconds(seconds_, [this] {
                                    cached_.define(Settings{"m", std::string(150, 'y'), ++defined_}, "defined");
                                });
                            },
                        .theirs = [this, statement] { return insert(statement); }});
    }

    double insert(const char* statement) {
        return median_microseconds(seconds_,
                                   [this, statement] { raw_.execute(statement, std::string("raw"), content()); });
    }
    std::string content() { return to_json(Settings{"m", std::string(150, 'y'), ++defined_}).text(); }

    /// What a writer pays who knows nothing of the log.
    void with_and_without_triggers() {
        raw_.run("CREATE TABLE stele_bench.plain (LIKE stele_bench.configurations INCLUDING ALL)");
        raw_.prepare("insert_plain",
                     "INSERT INTO stele_bench.plain (identifier, content) VALUES ($1, $2::text::jsonb)");
        bench_.measure({.work = "raw INSERT with the triggers, durable (us, median)",
                        .against = "the same without triggers",
                        .compare = Compare::lower_is_better,
                        .at_least = {},
                        .ours = [this] { return insert("insert"); },
                        .theirs = [this] { return insert("insert_plain"); }});
        Companion python({"python3", "-I", STELE_PYTHON_WRITER, kPythonPackages, environment("STELE_TEST_DSN")});
        const auto define = [&](const char* table) {
            return python.ask({{"table", table}, {"content", content()}, {"seconds", seconds_}})["microseconds"]
                .get<double>();
        };
        bench_.measure({.work = "Python's define, with the triggers, durable (us, median)",
                        .against = "the same without triggers",
                        .compare = Compare::lower_is_better,
                        .at_least = 1 / 1.15,
                        .ours = [&] { return define("stele_bench.configurations"); },
                        .theirs = [&] { return define("stele_bench.plain"); }});
    }

    SideBySide& bench_;
    const double seconds_;
    Database database_;
    RawConnection raw_;
    ConfigurationRepository cached_, uncached_;
    int defined_ = 0;
};

}  // namespace
}  // namespace stele::bench

int main(int argc, char** argv) {
    return stele::bench::run(argc, argv, "The repositories beside the statements they stand for.",
                             [](stele::bench::SideBySide& bench) { stele::bench::Bench(bench).run(); });
}

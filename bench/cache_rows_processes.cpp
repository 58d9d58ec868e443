#include "cache_rows_processes.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "companion.hpp"
#include "entries.hpp"
#include "raw_postgres.hpp"
#include "stele/semantic_cache.hpp"
#include "stele/testing.hpp"

namespace stele::bench {
namespace {

using Json = nlohmann::json;
using Nanoseconds = std::int64_t;

constexpr int kProcesses = 4, kQuestions = 4;  // each process writes so many, and asks those of all
constexpr char kSchema[] = "stele_bench_processes";
constexpr double kBoundMs = 100;

/// The same clock for all processes.
Nanoseconds now() {
    return std::chrono::steady_clock::now().time_since_epoch().count();
}
DatabaseOptions options() {
    DatabaseOptions options;
    options.dsn = environment("STELE_TEST_DSN");
    options.schema = kSchema;
    return options;
}
std::string question(int owner, int number) {
    return fmt::format("question {} {}", owner, number);
}

/// Nine gets of anybody's questions for each put of its own; what it put and what it saw, with the times.
class CacheProcess {
public:
    Json run(const Json& asked) {
        const int owner = asked["owner"].get<int>();
        std::mt19937 random(static_cast<unsigned>(owner));
        Json puts = Json::array();
        std::map<std::string, std::map<int, std::pair<Nanoseconds, Nanoseconds>>> seen;  // first, begin of the last
        const Nanoseconds until = now() + static_cast<Nanoseconds>(1e9 * asked["seconds"].get<double>());
        std::size_t calls = 0;
        for (int version = 1; now() < until; ++version) {
            const std::string mine = question(owner, version % kQuestions);
            cache_.put(mine, std::to_string(version));
            puts.push_back({mine, version, now()});
            for (int i = 0; i < 9; ++i) {
                const std::string any =
                    question(static_cast<int>(random() % kProcesses), static_cast<int>(random() % kQuestions));
                const Nanoseconds begin = now();
                const std::optional<Hit> hit = cache_.get(any);
                if (!hit) continue;
                const auto [place, is_first] = seen[any].try_emplace(std::stoi(hit->response), now(), begin);
                if (!is_first) place->second.second = begin;
            }
            calls += 10;
        }
        Json all = Json::array();
        for (const auto& [text, versions] : seen) {
            for (const auto& [version, times] : versions) all.push_back({text, version, times.first, times.second});
        }
        return {{"puts", puts}, {"seen", all}, {"calls", calls}};
    }
    /// Every question is found by meaning, with its newest answer.
    Json complete(const Json& asked) {
        for (const auto& [text, version] : asked["newest"].items()) {
            embedder_->similar("other " + text, text, 0.97F);
            const std::optional<Hit> hit = cache_.get("other " + text);
            if (!hit || hit->response != std::to_string(version.get<int>())) {
                throw std::runtime_error("this process's index has not the newest of " + text);
            }
        }
        return {{"rows", cache_.stats().index_rows}};
    }

private:
    std::shared_ptr<testing::FakeEmbedder> embedder_ = std::make_shared<testing::FakeEmbedder>();
    SemanticCache cache_{Database::open(options()), embedder_};
};

struct Visibility {
    // sorted; both from the end of a put, in another process
    std::vector<double> last_old_ms;   ///< till the last get that was answered by what it replaced, 0: none was
    std::vector<double> first_new_ms;  ///< till the first that was answered by it, which waits for that get, too
    double calls_per_second = 0;
};

double milliseconds_from(Nanoseconds from, Nanoseconds to) {
    return to < from ? 0 : 1e-6 * static_cast<double>(to - from);
}

/// What one reader saw of one question: by version, when first, and when the get began that saw it last.
void compare(const std::map<int, Nanoseconds>& stored, const std::map<int, std::pair<Nanoseconds, Nanoseconds>>& seen,
             Visibility& visibility) {
    Nanoseconds last_old = 0;
    auto older = seen.begin();
    for (const auto& [version, put] : stored) {
        for (; older != seen.end() && older->first < version; ++older)
            last_old = std::max(last_old, older->second.second);
        visibility.last_old_ms.push_back(milliseconds_from(put, last_old));
        if (visibility.last_old_ms.back() > kBoundMs) throw std::runtime_error("an answer was older than the bound");
    }
    for (const auto& [version, times] : seen) {
        visibility.first_new_ms.push_back(milliseconds_from(stored.at(version), times.first));
    }
}

Visibility measure_visibility(double time) {
    Database database = Database::open(options());
    std::vector<std::unique_ptr<Companion>> processes;
    for (int i = 0; i < kProcesses; ++i) {
        processes.push_back(
            std::make_unique<Companion>(std::vector<std::string>{"/proc/self/exe", std::string(kCacheProcess)}));
        processes.back()->ask({{"do", "complete"}, {"newest", Json::object()}});  // it is open now
    }
    std::vector<std::future<Json>> runs;
    for (int i = 0; i < kProcesses; ++i) {
        runs.push_back(std::async(std::launch::async, [&, i] {
            return processes[static_cast<std::size_t>(i)]->ask({{"do", "run"}, {"owner", i}, {"seconds", time}});
        }));
    }
    std::map<std::string, std::map<int, Nanoseconds>> stored;
    std::vector<Json> seen;
    Visibility visibility;
    for (std::future<Json>& run : runs) {
        const Json told = run.get();
        for (const Json& put : told["puts"])
            stored[put[0].get<std::string>()][put[1].get<int>()] = put[2].get<Nanoseconds>();
        seen.push_back(told["seen"]);
        visibility.calls_per_second += told["calls"].get<double>() / time;
    }
    for (int reader = 0; reader < kProcesses; ++reader) {
        std::map<std::string, std::map<int, std::pair<Nanoseconds, Nanoseconds>>> sights;
        for (const Json& sight : seen[static_cast<std::size_t>(reader)]) {
            sights[sight[0].get<std::string>()][sight[1].get<int>()] = {sight[2].get<Nanoseconds>(),
                                                                        sight[3].get<Nanoseconds>()};
        }
        for (const auto& [text, versions] : sights) {
            const bool own = text.starts_with(fmt::format("question {} ", reader));
            if (!own) compare(stored.at(text), versions, visibility);
        }
    }
    std::this_thread::sleep_for(std::chrono::seconds(1));
    Json newest = Json::object();
    for (const auto& [text, versions] : stored) newest[text] = versions.rbegin()->first;
    for (const auto& process : processes) {
        const Json told = process->ask({{"do", "complete"}, {"newest", newest}});
        if (told["rows"] != newest.size()) throw std::runtime_error("an index holds other rows than the table");
    }
    std::sort(visibility.last_old_ms.begin(), visibility.last_old_ms.end());
    std::sort(visibility.first_new_ms.begin(), visibility.first_new_ms.end());
    return visibility;
}

}  // namespace

int run_cache_process() {
    CacheProcess process;
    for (std::string line; std::getline(std::cin, line);) {
        Json answer;
        try {
            const Json asked = Json::parse(line);
            answer = asked["do"] == "run" ? process.run(asked) : process.complete(asked);
        } catch (const std::exception& error) {
            answer = {{"error", error.what()}};
        }
        std::cout << answer.dump() << std::endl;
    }
    return 0;
}

void process_rows(SideBySide& bench) {
    constexpr std::string_view kWork =
        "4 processes, 90 % get, 10 % put: from a put to the last old answer elsewhere (ms, {})";
    const std::string p99 = fmt::format(kWork, "p99"), most = fmt::format(kWork, "maximum");
    if (!bench.wants(p99) && !bench.wants(most)) return;
    RawConnection server(environment("STELE_TEST_DSN"));
    const Visibility visibility = measure_visibility(bench.quick() ? 2 : 10);
    server.run(fmt::format("DROP SCHEMA {} CASCADE", kSchema));
    const auto at_99 = [](const std::vector<double>& all) { return all.at(all.size() * 99 / 100); };
    bench.note(fmt::format(
        "4 processes: {} puts as others saw them, {:.0f} calls a second. The first new answer came after {:.1f} ms "
        "(p99), {:.1f} ms "
        "(maximum), the wait for the next get of that question included. Afterwards every index held every row.",
        visibility.last_old_ms.size(), visibility.calls_per_second, at_99(visibility.first_new_ms),
        visibility.first_new_ms.back()));
    const auto row = [&](const std::string& name, double figure) {
        bench.measure({.work = name,
                       .against = "100, the bound",
                       .compare = Compare::lower_is_better,
                       .at_least = 1,
                       .ours = [figure] { return std::max(figure, 0.001); },  // for the ratio
                       .theirs = [] { return kBoundMs; }});
    };
    row(p99, at_99(visibility.last_old_ms));
    row(most, visibility.last_old_ms.back());
}

}  // namespace stele::bench

#include "cache_rows_worklist.hpp"

#include <fmt/core.h>

#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "crowd.hpp"
#include "entries.hpp"

namespace stele::bench {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kUnlike = 100;
constexpr std::size_t kCrowds[] = {1, 4, 16, 64};

class Worklist {
public:
    Worklist(SideBySide& bench, const CostlySides& sides, std::size_t dimension)
        : bench_(bench), sides_(sides), vectors_(kUnlike, std::vector<float>(dimension)) {
        std::mt19937 random(42);
        std::normal_distribution<float> normal;
        for (std::vector<float>& vector : vectors_) {
            for (float& value : vector) value = normal(random);
        }
    }

    void run() {
        misses();
        opening();
        replacing();
        for (const std::size_t threads : kCrowds) mixed(threads);
    }

private:
    SemanticCache open() const { return sides_.open(environment("STELE_TEST_DSN")); }
    std::unique_ptr<Companion> rival() const { return sides_.open_rival(environment("STELE_TEST_DSN")); }
    double theirs(Companion& rival, const char* what, const char* work, std::size_t threads = 1) const {
        const Json told = rival.ask(
            {{"do", what}, {"work", work}, {"rows", sides_.rows}, {"seconds", sides_.seconds}, {"threads", threads}});
        return told["figure"].get<double>();
    }
    const std::vector<float>& vector() { return vectors_[at_++ % kUnlike]; }
    void row(const std::string& work, Compare compare, std::optional<double> at_least, std::function<double()> ours,
             std::function<double()> theirs) {
        bench_.measure({.work = work,
                        .against = "mneme",
                        .compare = compare,
                        .at_least = at_least,
                        .ours = std::move(ours),
                        .theirs = std::move(theirs)});
    }

    void misses() {
        const std::string work = "miss by wording and by meaning (ms, median)";
        if (!bench_.wants(work)) return;
        SemanticCache cache = open();
        const auto other = rival();
        row(
            work, Compare::lower_is_better, {},
            [&] {
                return 1e3 * median_seconds(sides_.seconds, {[&] {
                                                if (cache.get("never asked", {}, {.embedding = vector()})) {
                                                    throw std::runtime_error("nothing is so much alike");
                                                }
                                            }});
            },
            [&] { return 1e3 * theirs(*other, "median", "miss"); });
    }

    void opening() {
        const std::string work = "open and a first get by meaning, all vectors from the tables (ms)";
        if (!bench_.wants(work)) return;
        const auto other = rival();
        row(
            work, Compare::lower_is_better, 8,
            [&] {
                return 1e3 * seconds([&] {
                           SemanticCache cache = open();
                           cache.get("never asked", {}, {.embedding = vector()});
                       });
            },
            [&] { return 1e3 * theirs(*other, "open", ""); });
    }

    void replacing() {
        const std::string work = "put that replaces an answer, one caller, durable (us, median)";
        if (!bench_.wants(work)) return;
        SemanticCache cache = open();
        const auto other = rival();
        row(
            work, Compare::lower_is_better, {},
            [&] {
                return 1e6 * median_seconds(sides_.seconds, {[&] {
                                                const std::vector<float>& one = vector();
                                                cache.put(fmt::format("ours again {}", at_ % kUnlike),
                                                          std::to_string(at_), "puts", {.embedding = one});
                                            }});
            },
            [&] { return 1e6 * theirs(*other, "median", "replace"); });
    }

    /// Nine gets of stored questions from the tables for each put of a new one.
    void mixed(std::size_t threads) {
        const std::string work = fmt::format("90 % get from the tables, 10 % put, {} threads (1/s)", threads);
        if (!bench_.wants(work)) return;
        SemanticCache cache = open();
        cache.put("the first", "r", "puts", {.embedding = vectors_.front()});
        cache.get("never asked", "puts", {.embedding = vectors_.front()});  // from now on its index is kept up
        const auto other = rival();
        std::atomic<std::size_t> calls{0};
        row(
            work, Compare::higher_is_better, {},
            [&] {
                return crowd_per_second(threads, std::chrono::duration<double>(sides_.seconds), [&](std::size_t, auto) {
                    const std::size_t call = ++calls, i = call * 7919 % sides_.rows;
                    if (call % 10 == 0) {
                        cache.put(fmt::format("mixed {} {}", threads, call), "r", "puts",
                                  {.embedding = vectors_[call % kUnlike]});
                    } else if (const auto hit = cache.get(fmt::format("q{}", i));
                               !hit || hit->response != fmt::format("r{}", i)) {
                        throw std::runtime_error(fmt::format("question {} has another answer", i));
                    }
                    return std::size_t{1};
                });
            },
            [&] { return theirs(*other, "rate", "mixed", threads); });
        std::this_thread::sleep_for(std::chrono::seconds(1));
        cache.get("never asked", "puts", {.embedding = vectors_.front()});
        const CacheStats stats = cache.stats(Scope("puts"));
        if (stats.index_rows != static_cast<std::size_t>(stats.entries)) {
            throw std::runtime_error(
                fmt::format("after a quiet second the index holds {} of {} entries", stats.index_rows, stats.entries));
        }
    }

    SideBySide& bench_;
    const CostlySides& sides_;
    std::vector<std::vector<float>> vectors_;  // like nothing that is stored
    std::size_t at_ = 0;
};

}  // namespace

void worklist_rows(SideBySide& bench, const CostlySides& sides, std::size_t dimension) {
    Worklist(bench, sides, dimension).run();
}

}  // namespace stele::bench

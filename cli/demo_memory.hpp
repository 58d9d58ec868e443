// The semantic cache as a demonstration uses it: what is stored beside an answer, and under which scope.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "demo_questions.hpp"
#include "demo_replay.hpp"
#include "stele/semantic_cache.hpp"

namespace stele::cli {

/// Where the vectors of an embedder are kept unless a schema is named: a schema holds those of one embedder only.
/// "stele-hashing-v1-384" gives "stele_demo_hashing_v1_384"; of a model's sum the first 8 digits are taken.
std::string demo_schema(std::string_view fingerprint);

/// The answers to the questions of one file: another file, or another version of it, finds none of them. The cache must
/// outlive it.
class DemoMemory {
public:
    DemoMemory(SemanticCache& cache, const DemoQuestions& questions);

    std::optional<DemoServed> look_up(const DemoQuestion& question) const;
    void store(const DemoQuestion& question, const std::string& answer) const;
    std::size_t entries() const;
    /// Removes everything, or what it comes to before `go_on`, told how many are gone, says no.
    void forget(const std::function<bool(std::size_t)>& go_on) const;

private:
    SemanticCache& cache_;
    Scope scope_;
};

}  // namespace stele::cli

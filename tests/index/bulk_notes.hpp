// Values by the batch, and an embedder that fails as it is told, for tests of index_all.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "index/any_index.hpp"

namespace stele::test {

inline constexpr int kBatch = 512;  // as the header says

inline Note note(int i) {
    return {"text " + std::to_string(i), "key " + std::to_string(i), i, {}, {}};
}

/// What a stream gives: notes 0, 1, ...
class Notes {
public:
    explicit Notes(int count, std::function<void(Note&)> change = {}) : count_(count), change_(std::move(change)) {}
    std::optional<Note> operator()() {
        if (*given_ == count_) return std::nullopt;
        Note one = note((*given_)++);
        if (change_) change_(one);
        return one;
    }
    /// Of all copies.
    int given() const { return *given_; }

private:
    int count_;
    std::function<void(Note&)> change_;
    std::shared_ptr<int> given_ = std::make_shared<int>(0);
};

/// Refuses texts that contain "refused", gives a NaN for those that contain "nan", and fails as the test says.
class Picky final : public Embedder {
public:
    std::size_t dimension() const override { return 2; }
    const std::string& fingerprint() const override { return fingerprint_; }
    std::vector<Embedding> embed(std::span<const std::string_view> texts, Deadline deadline) override {
        ++calls;
        if (before) before(calls);
        if (deadline.expired()) raise(ErrorCode::deadline_exceeded, "too late");
        std::vector<Embedding> all;
        for (const std::string_view text : texts) {
            if (text.find("refused") != std::string_view::npos) {
                raise(ErrorCode::embedder_failed, "I do not like it");
            }
            const float x = text.find("nan") == std::string_view::npos ? 1 : std::numeric_limits<float>::quiet_NaN();
            all.push_back({{x, 0}, false});
        }
        embedded += texts.size();
        if (miscounts) all.pop_back();
        return all;
    }
    int calls = 0;
    std::size_t embedded = 0;
    bool miscounts = false;
    std::function<void(int call)> before;

private:
    std::string fingerprint_ = "picky";
};

[[noreturn]] inline void fail_with(ErrorCode code, Retry retry) {
    ErrorInfo error = make_error(code, "told to fail");
    error.retry = retry;
    raise(std::move(error));
}

class BulkIndex : public AnyIndex {
protected:
    std::shared_ptr<Picky> picky = std::make_shared<Picky>();
    VectorIndex<Note> picked() { return open(picky, {.table = "picked"}); }
    static IndexAllOptions<Note> keyed() { return {.key = &Note::language}; }
};

}  // namespace stele::test

// Answers to the same questions, kept in this process.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/boot_clock.hpp"
#include "base/loading_cache.hpp"
#include "cache/head_changes.hpp"
#include "stele/semantic_cache.hpp"

namespace stele {

/// An answer as it was read.
struct LocalAnswer {
    Hit hit;
    std::optional<std::chrono::seconds> ttl;
    BootClock::time_point read;              ///< taken before the statement was sent
    std::vector<HeadChanges::Seen> heads{};  ///< of what it was made from
    bool outdated = false;                   ///< when it was read

    bool expired() const { return ttl && hit.age >= *ttl; }  ///< when it was read
    std::chrono::seconds age(BootClock::time_point now) const {
        return hit.age + std::chrono::floor<std::chrono::seconds>(now - read);
    }
};

/// Thread-safe. Whoever asks must know that it is told of changes soon enough.
class LocalAnswers {
public:
    using Answers = LoadingCache<LocalAnswer>;

    LocalAnswers(std::size_t entries, std::size_t bytes)
        : answers_({.limit = entries,
                    .limit_bytes = bytes,
                    .bytes = [](const LocalAnswer& answer) { return size_of(answer); },
                    .keep_absent = false,
                    .ttl = Answers::Clock::duration::max()}) {}

    /// With the age that it has by now; nothing if it is not here, past its lifetime or outdated.
    std::optional<Hit> find(std::string_view name_space, std::string_view hash) const {
        const std::optional<Answers::Pointer> answer = answers_.peek(key(name_space, hash));
        if (!answer) return std::nullopt;
        if ((*answer)->outdated || !heads_.unchanged((*answer)->heads)) return std::nullopt;
        const std::chrono::seconds age = (*answer)->age(BootClock::now());
        if ((*answer)->ttl && age >= *(*answer)->ttl) return std::nullopt;
        Hit hit = (*answer)->hit;
        hit.age = age;
        hit.layer = HitLayer::local;
        return hit;
    }
    /// What load() reads, once for all who ask for it at this time; null: there is none.
    template <class Load>
    Answers::Pointer read(std::string_view name_space, std::string_view hash, Deadline deadline, Load&& load) {
        const std::string question = key(name_space, hash);
        // one that may not be served any more would be had again
        if (const auto old = answers_.peek(question); old && !find(name_space, hash)) answers_.invalidate(question);
        Answers::Pointer answer = answers_.get(question, deadline, load);
        if (answer == nullptr || heads_.unchanged(answer->heads)) return answer;
        // what it was made from was published while it was loaded, perhaps for somebody who asked before that
        answers_.invalidate(question);
        return load();
    }
    /// What answers depend on.
    const HeadChanges& heads() const noexcept { return heads_; }
    void head_changed(std::string_view name) noexcept { heads_.changed(name); }
    void changed(std::string_view name_space, std::string_view hash) { answers_.invalidate(key(name_space, hash)); }
    void all_changed() { answers_.invalidate_all(); }

    Answers::Counts counts() const { return answers_.counts(); }

private:
    static std::string key(std::string_view name_space, std::string_view hash) {
        std::string key;
        key.reserve(name_space.size() + 1 + hash.size());
        return key.append(name_space).append(1, '\0').append(hash);  // no text of PostgreSQL's holds that character
    }
    static std::size_t size_of(const LocalAnswer& answer) {
        const Hit& hit = answer.hit;
        return sizeof(LocalAnswer) + hit.response.size() + hit.query.size() + hit.metadata.text().size() +
               answer.heads.size() * sizeof(HeadChanges::Seen);
    }

    HeadChanges heads_;
    Answers answers_;
};

}  // namespace stele

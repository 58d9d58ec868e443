#include "demo_vectors.hpp"

#include <algorithm>

#include "stele/semantic_cache.hpp"

namespace stele::cli {

std::vector<Embedding> DemoVectors::embed(std::span<const std::string_view> texts, Deadline deadline) {
    std::vector<Embedding> embeddings = embedder_->embed(texts, deadline);
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const Embedding& embedding = embeddings.at(i);
        kept_[std::string(texts[i])] = embedding.truncated ? std::vector<float>() : embedding.vector;
    }
    return embeddings;
}

std::optional<std::vector<DemoPlace>> DemoVectors::places(const std::vector<const DemoQuestion*>& stream,
                                                          Deadline deadline, const std::function<bool()>& go_on) {
    constexpr std::size_t kBatch = 32;
    std::map<std::string, std::size_t, std::less<>> keys;
    std::vector<std::size_t> key_of;
    std::vector<std::string_view> missing;
    for (const DemoQuestion* question : stream) {
        const auto [key, is_new] = keys.emplace(normalized_query(question->question), keys.size());
        key_of.push_back(key->second);
        const std::lock_guard lock(mutex_);
        if (is_new && !kept_.contains(key->first)) missing.push_back(key->first);
    }
    for (std::span<const std::string_view> left(missing); !left.empty();) {
        if (!go_on()) return std::nullopt;
        const std::size_t count = std::min(left.size(), kBatch);
        try {
            embed(left.first(count), deadline);
        } catch (const Error& error) {
            if (error.code() == ErrorCode::deadline_exceeded) return std::nullopt;
            throw;
        }
        left = left.subspan(count);
    }
    std::vector<std::span<const float>> units(keys.size());
    const std::lock_guard lock(mutex_);
    for (const auto& [key, number] : keys) units[number] = kept_.find(key)->second;
    std::vector<DemoPlace> places;
    for (const std::size_t key : key_of) places.push_back({key, units[key]});
    return places;
}

}  // namespace stele::cli

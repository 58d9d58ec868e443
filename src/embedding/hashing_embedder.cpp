#include "stele/hashing_embedder.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>

#include "base/result.hpp"

namespace stele {
inline namespace v0 {
namespace {

// A vector must be the same on every machine, for ever: the sums are of integers, and the only floating-point
// operations are one square root and one division an element, which IEEE 754 rounds correctly everywhere. Whatever
// changes a vector needs a new fingerprint.

enum class Kind : std::uint8_t { whole_text = 0, word = 1, word_pair = 2, characters = 3 };

// FNV-1a over the kind and the bytes, then MurmurHash3's finaliser: FNV alone leaves the high bits of short inputs
// poor.
class Hash {
public:
    explicit Hash(Kind kind) { add(static_cast<unsigned char>(kind)); }

    void add(unsigned char byte) { state_ = (state_ ^ byte) * 0x00000100000001b3; }
    void add(std::string_view bytes) {
        for (const char c : bytes) add(static_cast<unsigned char>(c));
    }
    std::uint64_t value() const {
        std::uint64_t h = state_;
        h = (h ^ (h >> 33)) * 0xff51afd7ed558ccd;
        h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53;
        return h ^ (h >> 33);
    }

private:
    std::uint64_t state_ = 0xcbf29ce484222325;
};

std::uint64_t hash_of(Kind kind, std::string_view bytes) {
    Hash hash(kind);
    hash.add(bytes);
    return hash.value();
}

bool is_word_byte(unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c >= 0x80;
}

std::string lower_ascii(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return lower;
}

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at;
        while (end < text.size() && is_word_byte(static_cast<unsigned char>(text[end]))) ++end;
        if (end > at) words.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return words;
}

class Buckets {
public:
    explicit Buckets(std::size_t dimension) : sums_(dimension, 0) {}

    /// Adds every distinct feature once, its weight growing with the logarithm of how often it occurs.
    void add(std::vector<std::uint64_t> features, std::int64_t weight) {
        std::sort(features.begin(), features.end());
        for (auto first = features.begin(); first != features.end();) {
            const auto last = std::upper_bound(first, features.end(), *first);
            const auto count = static_cast<std::uint64_t>(last - first);
            add(*first, weight * static_cast<std::int64_t>(std::bit_width(count)));
            first = last;
        }
    }

    /// The sums scaled to unit length; nothing if they are all zero.
    std::optional<std::vector<float>> unit_vector() && {
        std::uint64_t largest = 0;
        for (const std::int64_t sum : sums_) largest = std::max(largest, magnitude(sum));
        if (largest == 0) return std::nullopt;
        // Below 2^24, 65536 squares fit into 64 bits. Only texts of many megabytes come near.
        const int excess = std::max(0, static_cast<int>(std::bit_width(largest)) - 24);
        std::uint64_t square_sum = 0;
        for (std::int64_t& sum : sums_) {
            sum /= std::int64_t{1} << excess;
            square_sum += magnitude(sum) * magnitude(sum);
        }
        const double length = std::sqrt(static_cast<double>(square_sum));
        std::vector<float> vector;
        vector.reserve(sums_.size());
        for (const std::int64_t sum : sums_) vector.push_back(static_cast<float>(static_cast<double>(sum) / length));
        return vector;
    }

private:
    static std::uint64_t magnitude(std::int64_t value) {
        return static_cast<std::uint64_t>(value < 0 ? -value : value);
    }

    void add(std::uint64_t feature, std::int64_t weight) {
        // The bucket comes from the low bits and the sign from the highest: two features that meet cancel as often as
        // they add up, so that on average collisions do not move a cosine.
        sums_[feature % sums_.size()] += (feature >> 63) != 0 ? -weight : weight;
    }

    std::vector<std::int64_t> sums_;
};

// The 3- to 5-grams of a word's characters, its ends marked by blanks: "cat" is not just a part of "concatenate".
void add_character_grams(std::string_view word, std::vector<std::uint64_t>& features) {
    const std::string marked = fmt::format(" {} ", word);
    std::vector<std::size_t> starts;
    for (std::size_t at = 0; at < marked.size(); ++at)
        if ((static_cast<unsigned char>(marked[at]) & 0xc0) != 0x80) starts.push_back(at);
    starts.push_back(marked.size());
    const std::string_view text = marked;
    for (std::size_t length = 3; length <= 5; ++length)
        for (std::size_t i = 0; i + length < starts.size(); ++i)
            features.push_back(hash_of(Kind::characters, text.substr(starts[i], starts[i + length] - starts[i])));
}

std::vector<float> vector_of(std::string_view text, std::size_t dimension) {
    const std::string lower = lower_ascii(text);
    const std::vector<std::string_view> words = words_of(lower);
    std::vector<std::uint64_t> singles;
    std::vector<std::uint64_t> pairs;
    std::vector<std::uint64_t> grams;
    for (std::size_t i = 0; i < words.size(); ++i) {
        singles.push_back(hash_of(Kind::word, words[i]));
        add_character_grams(words[i], grams);
        if (i == 0) continue;
        Hash pair(Kind::word_pair);
        pair.add(words[i - 1]);
        pair.add(' ');
        pair.add(words[i]);
        pairs.push_back(pair.value());
    }
    Buckets buckets(dimension);
    buckets.add(std::move(singles), 2);
    buckets.add(std::move(pairs), 1);
    buckets.add(std::move(grams), 1);
    if (auto vector = std::move(buckets).unit_vector()) return *std::move(vector);

    // Blank or punctuation only, or everything cancelled out: the text as a whole is the one feature.
    std::vector<float> vector(dimension, 0.0F);
    const std::uint64_t feature = hash_of(Kind::whole_text, text);
    vector[feature % dimension] = (feature >> 63) != 0 ? -1.0F : 1.0F;
    return vector;
}

}  // namespace

HashingEmbedder::HashingEmbedder(std::size_t dimension) : dimension_(dimension) {
    if (dimension < 16 || dimension > 65536)
        raise(ErrorCode::invalid_argument,
              fmt::format("HashingEmbedder: dimension {} is not from 16 to 65536", dimension));
    fingerprint_ = fmt::format("stele-hashing-v1-{}", dimension);
}

std::vector<Embedding> HashingEmbedder::embed(std::span<const std::string_view> texts, Deadline deadline) {
    std::vector<Embedding> result;
    result.reserve(texts.size());
    for (const std::string_view text : texts) {
        if (deadline.expired())
            raise(ErrorCode::deadline_exceeded, fmt::format("HashingEmbedder: the deadline passed after {} of {} texts",
                                                            result.size(), texts.size()));
        result.push_back(Embedding{vector_of(text, dimension_), false});
    }
    return result;
}

}  // namespace v0
}  // namespace stele

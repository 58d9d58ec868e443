#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>

#include "base/hash.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "stele/testing.hpp"
#include "vectors/kernels.hpp"

namespace stele::inline v0::testing {
namespace {

// Bytes of a hash as coordinates between -1 and 1: the same on every machine.
std::vector<float> direction_of(std::string_view text, std::size_t dimension) {
    std::vector<float> vector;
    vector.reserve(dimension);
    for (std::size_t block = 0; vector.size() < dimension; ++block) {
        for (const std::byte byte : sha256(fmt::format("{}:{}", block, text))) {
            if (vector.size() < dimension)
                vector.push_back((static_cast<float>(std::to_integer<int>(byte)) - 127.5F) / 127.5F);
        }
    }
    kernels::normalize(vector);
    return vector;
}

float dot(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return static_cast<float>(sum);
}

}  // namespace

struct FakeEmbedder::Impl {
    const std::vector<float>& vector_of(std::string_view text, std::size_t dimension) STELE_REQUIRES(mutex) {
        auto found = vectors.find(text);
        if (found == vectors.end()) {
            found = vectors.emplace(std::string(text), direction_of(text, dimension)).first;
        }
        return found->second;
    }

    mutable Mutex mutex;
    std::map<std::string, std::vector<float>, std::less<>> vectors STELE_GUARDED_BY(mutex);
    std::vector<std::string> texts STELE_GUARDED_BY(mutex);
    std::size_t calls STELE_GUARDED_BY(mutex) = 0;
    std::size_t failures STELE_GUARDED_BY(mutex) = 0;  // still to come
    std::size_t longest STELE_GUARDED_BY(mutex) = std::numeric_limits<std::size_t>::max();
};

FakeEmbedder::FakeEmbedder(FakeEmbedderOptions options)
    : options_(std::move(options)), impl_(std::make_unique<Impl>()) {
    if (options_.dimension < 2) {
        raise(ErrorCode::invalid_argument,
              fmt::format("vectors of {} elements are too short to differ; take 2 or more", options_.dimension));
    }
}

FakeEmbedder::~FakeEmbedder() = default;

void FakeEmbedder::set(std::string_view text, std::vector<float> vector) {
    if (vector.size() != options_.dimension) {
        raise(ErrorCode::dimension_mismatch, fmt::format("the vector for '{}' has {} elements, this embedder's have {}",
                                                         text, vector.size(), options_.dimension));
    }
    if (!kernels::normalize(vector)) {
        raise(ErrorCode::invalid_argument,
              fmt::format("the vector for '{}' is zero, or holds a NaN or an infinity; it has no direction", text));
    }
    MutexLock lock(impl_->mutex);
    impl_->vectors.insert_or_assign(std::string(text), std::move(vector));
}

void FakeEmbedder::similar(std::string_view text, std::string_view base, float cosine) {
    if (!(cosine >= -1.0F && cosine <= 1.0F)) {
        raise(ErrorCode::invalid_argument, fmt::format("the cosine {} is not within -1 and 1", cosine));
    }
    MutexLock lock(impl_->mutex);
    const std::vector<float> towards = impl_->vector_of(base, options_.dimension);
    // some direction of the text's own, made a right angle
    std::vector<float> aside = direction_of(fmt::format("aside:{}", text), options_.dimension);
    const float shared = dot(aside, towards);
    for (std::size_t i = 0; i < aside.size(); ++i) aside[i] -= shared * towards[i];
    kernels::normalize(aside);
    const float rest = std::sqrt(1 - cosine * cosine);
    std::vector<float> vector(options_.dimension);
    for (std::size_t i = 0; i < vector.size(); ++i) vector[i] = cosine * towards[i] + rest * aside[i];
    kernels::normalize(vector);
    impl_->vectors.insert_or_assign(std::string(text), std::move(vector));
}

void FakeEmbedder::fail(std::size_t calls) {
    MutexLock lock(impl_->mutex);
    impl_->failures = calls;
}

void FakeEmbedder::cut_beyond(std::size_t bytes) {
    MutexLock lock(impl_->mutex);
    impl_->longest = bytes;
}

std::size_t FakeEmbedder::calls() const {
    MutexLock lock(impl_->mutex);
    return impl_->calls;
}

std::vector<std::string> FakeEmbedder::texts() const {
    MutexLock lock(impl_->mutex);
    return impl_->texts;
}

std::vector<Embedding> FakeEmbedder::embed(std::span<const std::string_view> texts, Deadline) {
    MutexLock lock(impl_->mutex);
    ++impl_->calls;
    impl_->texts.insert(impl_->texts.end(), texts.begin(), texts.end());
    if (impl_->failures > 0) {
        if (impl_->failures != std::numeric_limits<std::size_t>::max()) --impl_->failures;
        raise(ErrorCode::embedder_failed, "this embedder was told to fail");
    }
    std::vector<Embedding> all;
    for (const std::string_view text : texts) {
        all.push_back({impl_->vector_of(text, options_.dimension), text.size() > impl_->longest});
    }
    return all;
}

}  // namespace stele::inline v0::testing

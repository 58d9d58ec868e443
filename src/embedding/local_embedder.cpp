#include "stele/local_embedder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <system_error>
#include <thread>
#include <utility>

#include "base/mutex.hpp"
#include "embedding/local_model.hpp"
#include "vectors/kernels.hpp"

namespace stele {
inline namespace v0 {
namespace {

using Pieces = std::vector<std::uint32_t>;
using Precision = LocalEmbedderOptions::Precision;
using LongText = LocalEmbedderOptions::LongText;

// Few enough that their numbers stay in the cache between two sums, many enough that the weights are read seldom.
constexpr std::size_t kRowsAtOnce = 256;

/// One run of pieces that the model reads at once: a text, or a part of one.
struct Window {
    std::size_t text;
    Pieces pieces;
};

/// False when there are no more threads to be had: those that there are do the work.
template <class Work>
bool add_helper(std::vector<std::jthread>& helpers, const Work& work) {
    try {
        helpers.emplace_back(work);
        return true;
    } catch (const std::system_error&) {
        return false;
    }
}

std::string_view name_of(BertConfig::Pooling pooling) {
    return pooling == BertConfig::Pooling::cls ? "cls" : "mean";
}

}  // namespace

struct LocalEmbedder::Impl {
    LocalEmbedderOptions options;
    LocalModel model;
    BertConfig config;  // the model's, with what the options change
    std::string prefix;
    std::string fingerprint;

    Mutex mutex;
    std::vector<std::unique_ptr<BertWorkspace>> idle STELE_GUARDED_BY(mutex);

    Impl(LocalEmbedderOptions given, LocalModel loaded);
    void cut(std::string_view text, std::size_t number, std::vector<Window>& windows, Embedding& embedding) const;
    void run(const std::vector<Window>& windows, std::size_t first, std::size_t last, float* vectors);
    void run_all(const std::vector<Window>& windows, float* vectors, Deadline deadline);
    std::unique_ptr<BertWorkspace> borrow() STELE_EXCLUDES(mutex);
    void give_back(std::unique_ptr<BertWorkspace> space) STELE_EXCLUDES(mutex);
};

LocalEmbedder::Impl::Impl(LocalEmbedderOptions given, LocalModel loaded)
    : options(std::move(given)), model(std::move(loaded)), config(model.bert.config()) {
    if (options.pooling) {
        config.pooling = *options.pooling == LocalEmbedderOptions::Pooling::cls ? BertConfig::Pooling::cls
                                                                                : BertConfig::Pooling::mean;
    }
    if (options.max_length) {
        if (*options.max_length < 3 || *options.max_length > config.max_positions) {
            raise(ErrorCode::invalid_argument, fmt::format("max_length is {}; this model reads 3 to {} word pieces",
                                                           *options.max_length, config.max_positions));
        }
        config.max_length = *options.max_length;
    }
    prefix = options.prefix.value_or(model.known == nullptr ? "" : model.known->prefix);
    if (options.threads == 0) options.threads = std::max(1U, std::thread::hardware_concurrency());
    fingerprint =
        fmt::format("stele-bert-v1:{}:{}:{}:{}:{}:{}{}{}", model.sha256, model.rest, name_of(config.pooling),
                    config.max_length, options.precision == Precision::int8 ? "int8" : "float32",
                    options.long_text == LongText::cut ? "cut" : "windows", prefix.empty() ? "" : ":", prefix);
}

void LocalEmbedder::Impl::cut(std::string_view text, std::size_t number, std::vector<Window>& windows,
                              Embedding& embedding) const {
    const std::string prefixed = prefix.empty() ? std::string() : prefix + std::string(text);
    const std::string_view whole = prefix.empty() ? text : std::string_view(prefixed);
    if (options.long_text == LongText::cut) {
        WordPiece::Tokens tokens = model.tokenizer.encode(whole, config.max_length);
        embedding.truncated = tokens.truncated;
        windows.push_back({number, std::move(tokens.ids)});
        return;
    }
    const Pieces all = model.tokenizer.encode(whole, std::numeric_limits<std::size_t>::max()).ids;
    const std::size_t room = config.max_length - 2;
    std::size_t at = 1;
    do {  // an empty text is one empty window
        const std::size_t count = std::min(room, all.size() - 1 - at);
        Pieces pieces{all.front()};
        const auto from = all.begin() + static_cast<std::ptrdiff_t>(at);
        pieces.insert(pieces.end(), from, from + static_cast<std::ptrdiff_t>(count));
        pieces.push_back(all.back());
        windows.push_back({number, std::move(pieces)});
        at += count;
    } while (at < all.size() - 1);
}

std::unique_ptr<BertWorkspace> LocalEmbedder::Impl::borrow() {
    MutexLock lock(mutex);
    if (idle.empty()) return std::make_unique<BertWorkspace>();
    std::unique_ptr<BertWorkspace> space = std::move(idle.back());
    idle.pop_back();
    return space;
}

void LocalEmbedder::Impl::give_back(std::unique_ptr<BertWorkspace> space) {
    MutexLock lock(mutex);
    if (idle.size() < std::max<std::size_t>(options.threads, 4)) idle.push_back(std::move(space));
}

void LocalEmbedder::Impl::run(const std::vector<Window>& windows, std::size_t first, std::size_t last, float* vectors) {
    std::vector<std::span<const std::uint32_t>> texts;
    for (std::size_t i = first; i < last; ++i) texts.emplace_back(windows[i].pieces);
    std::unique_ptr<BertWorkspace> space = borrow();
    if (!model.bert.embed(texts, config.pooling, *space, vectors + first * config.hidden)) {
        throw Error(model.complaint("its numbers overflow, so its weights are damaged"));
    }
    give_back(std::move(space));
}

void LocalEmbedder::Impl::run_all(const std::vector<Window>& windows, float* vectors, Deadline deadline) {
    std::vector<std::size_t> starts{0};  // of each share of the work, and the end
    for (std::size_t i = 0, rows = 0; i < windows.size(); ++i) {
        rows += windows[i].pieces.size();
        if (rows < kRowsAtOnce && i + 1 < windows.size()) continue;
        starts.push_back(i + 1);
        rows = 0;
    }
    std::atomic<std::size_t> next{0};
    Mutex failure_mutex;
    std::exception_ptr failure;
    const auto work = [&] {
        try {
            for (std::size_t share = next++; share + 1 < starts.size(); share = next++) {
                if (deadline.expired()) raise(ErrorCode::deadline_exceeded, "the deadline passed while embedding");
                run(windows, starts[share], starts[share + 1], vectors);
            }
        } catch (...) {
            MutexLock lock(failure_mutex);
            failure = std::current_exception();
            next = starts.size();
        }
    };
    std::vector<std::jthread> helpers;
    while (helpers.size() + 1 < std::min(options.threads, starts.size() - 1) && add_helper(helpers, work)) {
    }
    work();
    helpers.clear();
    if (failure) std::rethrow_exception(failure);
}

LocalEmbedder::LocalEmbedder(LocalEmbedderOptions options) {
    const auto precision = options.precision == Precision::int8 ? Bert::Precision::int8 : Bert::Precision::float32;
    LocalModel model = value_or_raise(LocalModel::load(options.model, precision));
    impl_ = std::make_unique<Impl>(std::move(options), std::move(model));
}

LocalEmbedder::~LocalEmbedder() = default;

std::size_t LocalEmbedder::dimension() const {
    return impl_->config.hidden;
}

const std::string& LocalEmbedder::fingerprint() const {
    return impl_->fingerprint;
}

std::optional<float> LocalEmbedder::threshold() const {
    const KnownModel* known = impl_->model.known;
    const BertConfig& config = impl_->config;
    const bool as_measured = known != nullptr && impl_->prefix == known->prefix &&
                             config.pooling == impl_->model.bert.config().pooling &&
                             config.max_length == known->max_pieces;
    return as_measured ? known->threshold : std::nullopt;
}

std::optional<std::size_t> LocalEmbedder::pieces(std::string_view text) const {
    constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
    return impl_->model.tokenizer.encode(impl_->prefix + std::string(text), kAll).ids.size();
}

std::optional<std::size_t> LocalEmbedder::max_pieces() const {
    return impl_->config.max_length;
}

std::vector<Embedding> LocalEmbedder::embed(std::span<const std::string_view> texts, Deadline deadline) {
    std::vector<Embedding> embeddings(texts.size());
    std::vector<Window> windows;
    for (std::size_t i = 0; i < texts.size(); ++i) impl_->cut(texts[i], i, windows, embeddings[i]);
    const std::size_t width = dimension();
    std::vector<float> vectors(windows.size() * width);
    impl_->run_all(windows, vectors.data(), deadline);
    for (std::size_t i = 0; i < windows.size(); ++i) {
        std::vector<float>& vector = embeddings[windows[i].text].vector;
        vector.resize(width);
        for (std::size_t k = 0; k < width; ++k) vector[k] += vectors[i * width + k];
    }
    if (windows.size() > texts.size()) {
        for (Embedding& embedding : embeddings) {
            if (!kernels::normalize(embedding.vector)) {
                raise(ErrorCode::embedder_failed, "the windows of a text point in opposite directions");
            }
        }
    }
    return embeddings;
}

}  // namespace v0
}  // namespace stele

#include "index/index_batch.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace stele {
namespace {

Json meta_of(const std::string& fingerprint, bool truncated) {
    std::string text = "{";
    if (!fingerprint.empty()) text += "\"embedder\":" + Json::string(fingerprint).text();
    if (truncated) text += std::string(text.size() > 1 ? "," : "") + "\"truncated\":true";
    return Json::trusted(text + "}");
}

std::size_t bytes_of(const detail::IndexItem& item) {
    struct Size {
        std::size_t operator()(const std::string& text) const { return text.size(); }
        std::size_t operator()(const ResourceContent& resource) const { return resource.data.size(); }
        std::size_t operator()(const std::vector<float>& vector) const { return vector.size() * sizeof(float); }
    };
    return item.payload.text().size() + std::visit(Size(), item.input.value());
}

}  // namespace

bool is_of_the_data(const Error& error) {
    if (error.retry() != Retry::no) return false;
    if (error.code() == ErrorCode::embedder_failed || error.code() == ErrorCode::limit_exceeded) return true;
    // data exceptions, broken constraints, exceeded limits, and what a trigger raises
    const std::string_view state = error.sqlstate();
    return state.starts_with("22") || state.starts_with("23") || state.starts_with("54") || state == "P0001";
}

void IndexBatch::add(std::size_t position, detail::IndexItem item, const VectorFrame& frame) {
    ++values_;
    bytes_ += bytes_of(item);
    Value& value = all_.emplace_back(Value{position, std::nullopt, {}});
    value.row.payload = std::move(item.payload);
    value.row.meta = meta_of(frame.fingerprint, false);
    value.row.key = std::move(item.key);
    value.row.digest = digest_of(item.input, frame.fingerprint);
    if (value.row.digest) {
        value.input = std::move(item.input);
    } else {
        value.row.vector = std::get<std::vector<float>>(std::move(item.input).value());
        value.state = State::to_store;
        ++vectors_;
    }
}

void IndexBatch::refuse(RefusedValue value) {
    ++values_;
    refused_.push_back(std::move(value));
}

void IndexBatch::refuse(Value& value, const Error& error) {
    value.state = State::refused;
    refused_.push_back({value.position, value.row.key.value_or(""), error.info()});
}

std::vector<std::size_t> IndexBatch::places(State state) const {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < all_.size(); ++i) {
        if (all_[i].state == state) places.push_back(i);
    }
    return places;
}

void IndexBatch::look_up(IndexSink& sink, const VectorFrame& frame, Deadline deadline) {
    std::vector<const IndexRow*> rows;
    std::vector<Value*> asked;
    for (Value& value : all_) {
        if (!value.row.key || !value.row.digest) continue;
        rows.push_back(&value.row);
        asked.push_back(&value);
    }
    if (rows.empty()) return;
    for (KnownRow& known : sink.known(frame, rows, deadline)) {
        Value& value = *asked[known.place];
        value.id = known.id;
        value.state = known.same ? State::unchanged : State::to_store;
        value.row.vector = std::move(known.vector);
        if (known.truncated) value.row.meta = meta_of(frame.fingerprint, true);
    }
}

void IndexBatch::embed(const IndexEmbedders& embedders, const VectorFrame& frame, Deadline deadline) {
    std::vector<std::size_t> all = places(State::to_embed);
    if (all.empty()) return;
    try {
        embed_some(all, embedders, frame, deadline);
    } catch (const Error& error) {
        if (!is_of_the_data(error)) throw;
        embed_apart(std::move(all), error, embedders, frame, deadline);
    }
}

void IndexBatch::embed_some(std::span<const std::size_t> places, const IndexEmbedders& embedders,
                            const VectorFrame& frame, Deadline deadline) {
    std::vector<const IndexInput*> inputs;
    inputs.reserve(places.size());
    for (const std::size_t place : places) inputs.push_back(&*all_[place].input);
    std::vector<EmbeddedInput> vectors = embed_unchecked(embedders, inputs, deadline);
    for (std::size_t i = 0; i < places.size(); ++i) {
        Value& value = all_[places[i]];
        value.input.reset();
        try {
            check_embedded(vectors[i].vector, frame.dimension);
        } catch (const Error& error) {
            refuse(value, error);
            continue;
        }
        value.row.vector = std::move(vectors[i].vector);
        if (vectors[i].truncated) value.row.meta = meta_of(frame.fingerprint, true);
        value.state = State::to_store;
        ++embedded_;
    }
}

// In halves, level by level. An embedder that refuses every part of a level refuses everything: that is no fault of the
// values, and asking on would cost a call for each.
void IndexBatch::embed_apart(std::vector<std::size_t> places, const Error& error, const IndexEmbedders& embedders,
                             const VectorFrame& frame, Deadline deadline) {
    constexpr std::size_t kMostParts = 64;
    std::vector<std::vector<std::size_t>> failing;
    failing.push_back(std::move(places));
    if (failing.front().size() == 1) return refuse(all_[failing.front().front()], error);
    std::vector<std::pair<std::size_t, Error>> alone;
    bool one_was_taken = false;
    while (!failing.empty()) {
        std::vector<std::vector<std::size_t>> parts;
        for (const auto& part : failing) {
            const auto middle = part.begin() + static_cast<std::ptrdiff_t>(part.size() / 2);
            parts.emplace_back(part.begin(), middle);
            parts.emplace_back(middle, part.end());
        }
        failing.clear();
        for (auto& part : parts) {
            try {
                embed_some(part, embedders, frame, deadline);
                one_was_taken = true;
            } catch (const Error& fault) {
                if (!is_of_the_data(fault)) throw;
                if (part.size() == 1) {
                    alone.emplace_back(part.front(), fault);
                } else {
                    failing.push_back(std::move(part));
                }
            }
        }
        if (!one_was_taken && (failing.empty() || failing.size() >= kMostParts)) throw Error(error);
    }
    for (const auto& [place, fault] : alone) refuse(all_[place], fault);
}

void IndexBatch::store(const Put& put) {
    store_some(places(State::to_store), put);
}

void IndexBatch::store_apart(const Put& put) {
    store_apart(places(State::to_store), put);
}

void IndexBatch::store_some(std::span<const std::size_t> places, const Put& put) {
    if (places.empty()) return;
    std::vector<const IndexRow*> rows;
    rows.reserve(places.size());
    for (const std::size_t place : places) rows.push_back(&all_[place].row);
    const std::vector<Uuid> ids = put(rows);
    for (std::size_t i = 0; i < places.size(); ++i) {
        all_[places[i]].id = ids[i];
        all_[places[i]].state = State::stored;
    }
}

void IndexBatch::store_apart(std::span<const std::size_t> places, const Put& put) {
    try {
        return store_some(places, put);
    } catch (const Error& error) {
        if (!is_of_the_data(error)) throw;
        if (places.size() == 1) return refuse(all_[places.front()], error);
    }
    store_apart(places.first(places.size() / 2), put);
    store_apart(places.subspan(places.size() / 2), put);
}

std::vector<Uuid> IndexBatch::ids() const {
    std::vector<Uuid> ids;
    ids.reserve(all_.size());
    for (const Value& value : all_) ids.push_back(value.id);
    return ids;
}

std::vector<RefusedValue> IndexBatch::take_refused() {
    std::sort(refused_.begin(), refused_.end(), [](const auto& a, const auto& b) { return a.position < b.position; });
    return std::exchange(refused_, {});
}

void IndexBatch::count(IndexProgress& progress) const noexcept {
    const auto of = [this](State state) {
        return static_cast<std::size_t>(
            std::count_if(all_.begin(), all_.end(), [state](const Value& value) { return value.state == state; }));
    };
    const std::size_t stored = of(State::stored), unchanged = of(State::unchanged);
    progress.values += values_;
    progress.stored += stored;
    progress.unchanged += unchanged;
    progress.refused += values_ - stored - unchanged;
    progress.embedded += embedded_;
}

}  // namespace stele

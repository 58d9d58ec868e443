#include "index/index_bulk.hpp"

#include <fmt/format.h>

#include <cstring>
#include <future>

#include "base/hash.hpp"
#include "base/result.hpp"

namespace stele {

namespace {

[[noreturn]] void raise_of(const RefusedValue& value) {
    ErrorInfo info = value.error;
    const std::string name = fmt::format("value {}", value.position);
    if (info.message.find(name) == std::string::npos) info.message = fmt::format("{}: {}", name, info.message);
    raise(std::move(info));
}

}  // namespace

IndexProgress IndexBulk::run() {
    std::unique_ptr<IndexBatch> embedded, written;  // or being so, each by a thread that goes before it
    std::future<void> embedding, writing;
    // a transaction of the caller's is for the caller's thread, which its source may use it on meanwhile
    const auto write_how = store_.is_joined() ? std::launch::deferred : std::launch::async;
    for (bool first = true;; first = false) {
        const auto finish_writing = [&] {
            if (!writing.valid()) return;
            writing.get();
            report(*written);
        };
        std::unique_ptr<IndexBatch> next;
        try {
            next = take();
        } catch (...) {
            finish_writing();  // what is stored is told
            throw;
        }
        finish_writing();
        if (embedding.valid()) embedding.get();
        if (next) look_up(*next);
        written = std::move(embedded);
        embedded = std::move(next);
        const bool is_all = !embedded && progress_.values == 0;
        if (embedded) {
            // a thread for the only batch would have nothing beside it
            const bool alone = (first && ended_) || !embedded->embeds();
            embedding = std::async(
                alone ? std::launch::deferred : std::launch::async,
                [this, batch = embedded.get(), deadline = until()] { batch->embed(embedders_, frame_, deadline); });
        }
        if (written) {
            writing = std::async(is_all ? std::launch::deferred : write_how,
                                 [this, batch = written.get(), is_all] { write(*batch, is_all); });
        } else if (!embedded) {
            break;
        }
    }
    if (unit_) unit_->commit(until());
    return progress_;
}

std::unique_ptr<IndexBatch> IndexBulk::take() {
    std::unique_ptr<IndexBatch> batch;
    while (!ended_ && (!batch || !batch->full())) {
        ended_ = !source_.next();
        if (ended_) break;
        if (!batch) batch = std::make_unique<IndexBatch>();
        take_one(*batch);
    }
    return batch;
}

void IndexBulk::take_one(IndexBatch& batch) {
    const std::size_t position = taken_++;
    std::optional<detail::IndexItem> item;
    std::string key;
    const bool sound = accepts(batch, position, key, [&] {
        item = source_.item();
        if (item->key) key = *item->key;
        check_item(position, *item);
    });
    if (!sound) return;
    if (!shape_) begin_with(position, item->input);
    const bool fits = accepts(batch, position, key, [&] {
        check_alike(position, item->input, *shape_);
        if (item->key) check_key(position, key);
    });
    if (fits) batch.add(position, std::move(*item), frame_);
}

template <class Work>
bool IndexBulk::accepts(IndexBatch& batch, std::size_t position, const std::string& key, Work work) {
    try {
        work();
        return true;
    } catch (const Error& error) {
        RefusedValue value{position, key, error.info()};
        if (!skips()) raise_of(value);
        batch.refuse(std::move(value));
        return false;
    }
}

void IndexBulk::check_key(std::size_t position, const std::string& key) {
    const Digest digest = sha256(key);
    KeyHash hash{};
    std::memcpy(&hash, digest.data(), sizeof hash);
    if (!keys_.insert(hash).second) {
        raise(ErrorCode::invalid_argument, fmt::format("value {} has the key \"{}\" of one before it", position, key));
    }
}

void IndexBulk::begin_with(std::size_t position, const IndexInput& first) {
    frame_ = embedders_.frame(first);
    shape_.emplace(position, first);
    if (!shape_->is_vector() || !skips()) return;
    // else a first vector of a wrong length would refuse all others
    const std::size_t stored = store_.dimension(until());
    if (stored != 0) frame_.dimension = shape_->dimension = stored;
}

void IndexBulk::look_up(IndexBatch& batch) {
    if (shape_ && !prepared_) {
        store_.prepare(frame_, order_.keyed, until());  // before anything is paid for, too
        prepared_ = true;
    }
    batch.look_up(unit_ ? static_cast<IndexSink&>(*unit_) : store_, frame_, until());
}

void IndexBulk::write(IndexBatch& batch, bool is_all) {
    if (skips()) {
        batch.store_apart([this](RowPointers rows) {
            const std::unique_ptr<IndexUnit> unit = store_.begin_unit(until());
            std::vector<Uuid> ids = unit->put(frame_, rows, until());
            unit->commit(until());
            return ids;
        });
    } else {
        if (const auto refused = batch.take_refused(); !refused.empty()) raise_of(refused.front());
        write_atomic(batch, is_all);
    }
}

void IndexBulk::write_atomic(IndexBatch& batch, bool is_all) {
    try {
        // what is written at once needs no unit
        if (!is_all && !unit_) unit_ = store_.begin_unit(until());
        IndexSink& sink = unit_ ? static_cast<IndexSink&>(*unit_) : store_;
        batch.store([&](RowPointers rows) { return sink.put(frame_, rows, until()); });
    } catch (const Error& error) {
        if (!is_of_the_data(error)) throw;
        blame(batch, error);
    }
}

void IndexBulk::blame(IndexBatch& batch, const Error& error) {
    unit_.reset();
    try {
        batch.store_apart([this](RowPointers rows) { return store_.begin_unit(until())->put(frame_, rows, until()); });
    } catch (const Error&) {
        throw Error(error);  // in a transaction that it has ended, for one
    }
    const auto refused = batch.take_refused();
    if (refused.empty()) throw Error(error);
    raise_of(refused.front());
}

void IndexBulk::report(IndexBatch& batch) {
    batch.count(progress_);
    if (ids_ != nullptr) {
        const std::vector<Uuid> ids = batch.ids();
        ids_->insert(ids_->end(), ids.begin(), ids.end());
    }
    for (const RefusedValue& value : batch.take_refused()) order_.on_refused(value);
    if (order_.on_progress) order_.on_progress(progress_);
}

}  // namespace stele

// Whatever a file of vectors holds, it is refused or read, and what is read can be searched; a part of a good one is no
// good one. Sums are made to fit, so that what lies behind them is reached.
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/checksum.hpp"
#include "cache/vector_file.hpp"
#include "fuzz.hpp"
#include "vectors/aligned.hpp"

namespace {

using stele::Checksum;
using stele::Result;
using stele::RowFormat;
using stele::StoredRow;
using stele::VectorFile;
using stele::VectorFormat;

constexpr std::size_t kDimension = 4;

void check(std::string_view content, const RowFormat& format, bool may_be_good) {
    auto memory = std::make_shared<stele::AlignedVector<std::byte>>(content.size());
    if (!content.empty()) std::memcpy(memory->data(), content.data(), content.size());
    const Result<VectorFile> file = VectorFile::read(*memory, memory, format);
    if (!file) {
        require(file.error().code == stele::ErrorCode::invalid_argument && !file.error().message.empty());
        return;
    }
    require(may_be_good);
    stele::FlatIndex index(kDimension, format.format());
    if (!index.adopt(file->memory(), file->vectors(), file->rows())) return;
    require(index.size() == file->rows().size());
    require(index.search(std::vector<float>{1, 0, 0, 0}, 3, -2).size() <= 3);
    index.compact();
}

template <class T>
void append(std::string& out, const T& value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}
std::uint64_t sum_of(std::string_view bytes) {
    return Checksum::of(std::as_bytes(std::span(bytes)));
}
std::string padded(std::string bytes) {
    bytes.resize((bytes.size() + 63) / 64 * 64);
    return bytes;
}

// A file of such parts.
std::string composed(const RowFormat& format, const std::string& meta, const std::string& rows,
                     const std::string& vectors, std::uint64_t count) {
    std::string head("SteleVec");
    for (const std::uint32_t part : {1U, 0x01020304U, static_cast<unsigned>(format.format()), 24U}) append(head, part);
    const std::uint64_t parts[] = {kDimension, count, meta.size(), sum_of(meta), sum_of(rows), sum_of(vectors)};
    for (const std::uint64_t part : parts) append(head, part);
    append(head, sum_of(head));
    head.resize(128);
    return head + padded(meta) + padded(rows) + vectors;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    const RowFormat format(static_cast<VectorFormat>(data[0] % 3), kDimension);
    const std::string_view rest = as_text(data + 3, size - 3);
    check(rest, format, true);

    const std::string meta(rest.substr(0, data[1]));
    std::string rows(rest.substr(meta.size()));
    const std::size_t count = std::min<std::size_t>(data[2] % 8, rows.size() / sizeof(StoredRow));
    rows.resize(count * sizeof(StoredRow));
    std::string vectors(count * format.stride(), '\x3c');
    const std::string whole = composed(format, meta, rows, vectors, count);
    check(whole, format, true);
    check(std::string_view(whole).substr(0, whole.size() - 1), format, false);
    check(composed(format, meta, rows, vectors, count + 1 + data[2]), format, false);
    return 0;
}

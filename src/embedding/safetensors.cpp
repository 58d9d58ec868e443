#include "embedding/safetensors.hpp"

#include <fmt/core.h>
#include <simdjson.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include "embedding/endpoint.hpp"

namespace stele {
namespace {

namespace dom = simdjson::dom;

static_assert(std::endian::native == std::endian::little);

// A header has about 110 bytes a tensor. The parser needs ten times its length.
constexpr std::uint64_t kMaxHeaderBytes = 4U << 20U;

template <class... Arguments>
tl::unexpected<ErrorInfo> refuse_tensors(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    return fail(
        make_error(ErrorCode::invalid_argument, "this is no safetensors file, or a damaged one (fetch it again): " +
                                                    fmt::format(format, std::forward<Arguments>(arguments)...)));
}

std::optional<Tensor::Type> type_called(std::string_view name) {
    if (name == "F32") return Tensor::Type::f32;
    if (name == "F16") return Tensor::Type::f16;
    if (name == "BF16") return Tensor::Type::bf16;
    if (name == "I8") return Tensor::Type::i8;
    if (name == "U8") return Tensor::Type::u8;
    return std::nullopt;
}

bool read_numbers(dom::element value, std::vector<std::size_t>& numbers) {
    dom::array array;
    if (value.get(array) != simdjson::SUCCESS) return false;
    for (const dom::element element : array) {
        std::uint64_t number = 0;
        if (element.get(number) != simdjson::SUCCESS) return false;
        numbers.push_back(number);
    }
    return true;
}

Result<void> read_tensor(std::string_view name, dom::element value, std::span<const std::byte> data, Tensors& tensors) {
    const std::string shown = presentable(name, {}, 80);
    dom::object entry;
    std::string_view type_name;
    if (value.get(entry) != simdjson::SUCCESS || entry["dtype"].get(type_name) != simdjson::SUCCESS)
        return refuse_tensors("its entry \"{}\" has no dtype", shown);
    const auto type = type_called(type_name);
    if (!type) return {};

    Tensor tensor;
    tensor.type = *type;
    dom::element member;
    if (entry["shape"].get(member) != simdjson::SUCCESS || !read_numbers(member, tensor.shape))
        return refuse_tensors("\"{}\" has no shape", shown);
    std::vector<std::size_t> offsets;
    if (entry["data_offsets"].get(member) != simdjson::SUCCESS || !read_numbers(member, offsets) || offsets.size() != 2)
        return refuse_tensors("\"{}\" has no data_offsets", shown);
    if (offsets[0] > offsets[1] || offsets[1] > data.size())
        return refuse_tensors("\"{}\" lies at {} to {}, of {} bytes", shown, offsets[0], offsets[1], data.size());
    tensor.bytes = data.subspan(offsets[0], offsets[1] - offsets[0]);
    if (!fits_its_bytes(tensor))
        return refuse_tensors("\"{}\" has {} bytes, which its shape does not ask for", shown, tensor.bytes.size());
    if (!tensors.emplace(without_wrappers(name), std::move(tensor)).second)
        return refuse_tensors("two tensors are \"{}\"", presentable(without_wrappers(name), {}, 80));
    return {};
}

}  // namespace

Result<Tensors> read_safetensors(std::span<const std::byte> file) {
    std::uint64_t header_size = 0;
    if (file.size() < sizeof header_size) return refuse_tensors("it has {} bytes", file.size());
    std::memcpy(&header_size, file.data(), sizeof header_size);
    const auto rest = file.subspan(sizeof header_size);
    if (header_size > rest.size() || header_size > kMaxHeaderBytes)
        return refuse_tensors("its header would have {} bytes, of {}", header_size, file.size());

    const simdjson::padded_string header(reinterpret_cast<const char*>(rest.data()), header_size);
    dom::parser parser;
    dom::object entries;
    if (const auto error = parser.parse(header).get(entries); error != simdjson::SUCCESS)
        return refuse_tensors("its header is not a JSON object ({})", simdjson::error_message(error));

    Tensors tensors;
    for (const auto& [name, value] : entries) {
        if (name == "__metadata__") continue;
        if (auto read = read_tensor(name, value, rest.subspan(header_size), tensors); !read)
            return fail(std::move(read.error()));
    }
    // overlapping ones would ask for more memory than a file of this size may
    std::size_t taken = 0;
    for (const auto& [name, tensor] : tensors) taken += tensor.bytes.size();
    if (taken > rest.size() - header_size) return refuse_tensors("its tensors overlap");
    return tensors;
}

}  // namespace stele

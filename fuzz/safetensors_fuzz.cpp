// read_safetensors: any bytes are refused, or give tensors that lie in them and have the size of their shape.
#include <algorithm>
#include <cstring>
#include <string>

#include "embedding/safetensors.hpp"
#include "fuzz.hpp"

namespace {

void check(std::span<const std::byte> file) {
    const auto tensors = stele::read_safetensors(file);
    if (!tensors) {
        require(tensors.error().code == stele::ErrorCode::invalid_argument && tensors.error().message.size() < 400);
        return;
    }
    for (const auto& [name, tensor] : *tensors) {
        require(tensor.bytes.data() >= file.data() + sizeof(std::uint64_t));
        require(tensor.bytes.data() + tensor.bytes.size() <= file.data() + file.size());
        require(tensor.elements() * stele::width_of(tensor.type) == tensor.bytes.size());
        require(!tensor.input_major && tensor.scales.empty());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    check(std::as_bytes(std::span(data, size)));

    // The same as a header of the right length, before 64 bytes of elements.
    const std::uint64_t length = size;
    std::string file(sizeof length, '\0');
    std::memcpy(file.data(), &length, sizeof length);
    file.append(as_text(data, size)).append(64, '\0');
    check(std::as_bytes(std::span(file)));
    return 0;
}

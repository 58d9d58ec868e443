#include "embedding/safetensors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model_files.hpp"

namespace stele {
namespace {

using testing::as_file;
using ::testing::ElementsAre;
using testing::f32_tensor;
using ::testing::HasSubstr;
using ::testing::Key;
using testing::safetensors_file;

std::string message_of(const std::string& file) {
    const auto read = read_safetensors(as_file(file));
    if (read) return "no error";
    EXPECT_EQ(read.error().code, ErrorCode::invalid_argument);
    return read.error().message;
}

std::string message_of(std::string_view header, std::size_t data_bytes) {
    return message_of(safetensors_file(header, std::string(data_bytes, 'x')));
}

TEST(Safetensors, refuses_tensors_that_overlap) {
    EXPECT_THAT(message_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                           R"("b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                           8),
                HasSubstr("overlap"));
}

TEST(Safetensors, give_views_into_the_file) {
    const std::string file =
        safetensors_file({{"a", f32_tensor({2, 3}, {1, 2, 3, 4, 5, 6})}, {"b", f32_tensor({1}, {7})}});
    const auto tensors = read_safetensors(as_file(file));
    ASSERT_TRUE(tensors) << tensors.error().message;
    EXPECT_THAT(*tensors, ElementsAre(Key("a"), Key("b")));

    const Tensor& a = tensors->at("a");
    EXPECT_EQ(a.type, Tensor::Type::f32);
    EXPECT_THAT(a.shape, ElementsAre(2U, 3U));
    EXPECT_EQ(a.elements(), 6U);
    EXPECT_FALSE(a.input_major);
    EXPECT_TRUE(a.scales.empty());
    EXPECT_EQ(a.bytes.data() + a.bytes.size(), tensors->at("b").bytes.data());
    EXPECT_EQ(as_file(file).data() + file.size() - 4, tensors->at("b").bytes.data());
}

TEST(Safetensors, types_that_no_weight_has_are_left_out) {
    const std::string file = safetensors_file({{"half", {"F16", {2}, "1234"}},
                                               {"brain", {"BF16", {1, 1}, "12"}},
                                               {"signed", {"I8", {3}, "123"}},
                                               {"byte", {"U8", {}, "1"}},
                                               {"positions", {"I64", {1}, "12345678"}},
                                               {"double", {"F64", {1}, "12345678"}}});
    const auto tensors = read_safetensors(as_file(file));
    ASSERT_TRUE(tensors) << tensors.error().message;
    EXPECT_THAT(*tensors, ElementsAre(Key("brain"), Key("byte"), Key("half"), Key("signed")));
    EXPECT_EQ(tensors->at("half").type, Tensor::Type::f16);
    EXPECT_EQ(tensors->at("brain").type, Tensor::Type::bf16);
    EXPECT_EQ(tensors->at("signed").type, Tensor::Type::i8);
    EXPECT_EQ(tensors->at("byte").type, Tensor::Type::u8);
    EXPECT_EQ(tensors->at("byte").elements(), 1U);
}

TEST(Safetensors, names_lose_what_wraps_the_bert) {
    const auto tensors = read_safetensors(as_file(safetensors_file({
        {"bert.encoder.layer.0.output.dense.bias", f32_tensor({1}, {1})},
        {"0.auto_model.embeddings.LayerNorm.bias", f32_tensor({1}, {1})},
        {"bert.pooler.dense.bias", f32_tensor({1}, {1})},
        {"cls.sub_embeddings.bias", f32_tensor({1}, {1})},
    })));
    ASSERT_TRUE(tensors);
    EXPECT_THAT(*tensors, ElementsAre(Key("cls.sub_embeddings.bias"), Key("embeddings.LayerNorm.bias"),
                                      Key("encoder.layer.0.output.dense.bias"), Key("pooler.dense.bias")));
}

TEST(Safetensors, two_tensors_of_one_name_are_refused) {
    const auto one = f32_tensor({1}, {1});
    EXPECT_THAT(message_of(safetensors_file({{"bert.encoder.a", one}, {"encoder.a", one}})),
                HasSubstr("two tensors are \"encoder.a\""));
    EXPECT_THAT(message_of(R"({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
                               "a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}})",
                           1),
                HasSubstr("two tensors are \"a\""));
}

TEST(Safetensors, every_cut_is_noticed) {
    const std::string file = safetensors_file({{"a", f32_tensor({2}, {1, 2})}});
    for (std::size_t size = 0; size < file.size(); ++size)
        EXPECT_THAT(message_of(file.substr(0, size)), HasSubstr("damaged")) << size;
    EXPECT_EQ(message_of(file), "no error");
}

TEST(Safetensors, offsets_and_shapes_must_agree_with_the_file) {
    const auto entry = [](std::string_view type, std::string_view shape, std::string_view offsets) {
        return "{\"w\": {\"dtype\": \"" + std::string(type) + "\", \"shape\": " + std::string(shape) +
               ", \"data_offsets\": " + std::string(offsets) + "}}";
    };
    EXPECT_EQ(message_of(entry("F32", "[2, 1]", "[4, 12]"), 12), "no error");
    EXPECT_EQ(message_of(entry("F32", "[0, 18446744073709551615]", "[4, 4]"), 12), "no error");
    EXPECT_THAT(message_of(entry("F32", "[2, 1]", "[8, 16]"), 12), HasSubstr("\"w\" lies at 8 to 16, of 12 bytes"));
    EXPECT_THAT(message_of(entry("F32", "[2]", "[12, 4]"), 12), HasSubstr("\"w\" lies at 12 to 4"));
    EXPECT_THAT(message_of(entry("F32", "[0]", "[18446744073709551615, 18446744073709551615]"), 12),
                HasSubstr("lies at"));
    EXPECT_THAT(message_of(entry("F32", "[3]", "[4, 12]"), 12), HasSubstr("\"w\" has 8 bytes"));
    EXPECT_THAT(message_of(entry("F16", "[2]", "[4, 12]"), 12), HasSubstr("\"w\" has 8 bytes"));
    // 2^62 + 2 floats: 8 bytes, if the product wrapped around.
    EXPECT_THAT(message_of(entry("F32", "[4611686018427387906]", "[4, 12]"), 12), HasSubstr("\"w\" has 8 bytes"));
    EXPECT_THAT(message_of(entry("F32", "[2147483648, 2147483648, 4]", "[4, 4]"), 12), HasSubstr("\"w\" has 0 bytes"));

    for (const char* shape : {"2", "[-2]", "[2.0]", "[\"2\"]", "null", "[18446744073709551616]"})
        EXPECT_NE(message_of(entry("F32", shape, "[4, 12]"), 12), "no error") << shape;
    for (const char* offsets : {"12", "[]", "[12]", "[0, 8, 12]", "[-4, 4]", "[0.0, 8]", "{}"})
        EXPECT_NE(message_of(entry("F32", "[2]", offsets), 12), "no error") << offsets;
}

TEST(Safetensors, a_header_that_is_none_is_refused) {
    for (const char* header : {"", "[]", "{", "null", "{\"a\": 1}", "{\"a\": {}}", "{\"a\": {\"dtype\": 1}}",
                               "{\"a\": {\"dtype\": \"F32\"}}", "{\"a\": {\"dtype\": \"F32\", \"shape\": [1]}}"})
        EXPECT_THAT(message_of(header, 4), HasSubstr("no safetensors file, or a damaged one")) << header;
    EXPECT_EQ(message_of("{\"__metadata__\": 1}      ", 0), "no error");

    std::string huge = safetensors_file("{}", "");
    huge[7] = '\x7f';
    EXPECT_THAT(message_of(huge), HasSubstr("its header would have"));
    // Not parsed, although it is all there.
    const std::string large = "{" + std::string(5U << 20U, ' ') + "}";
    EXPECT_THAT(message_of(large, 0), HasSubstr("its header would have 5242882 bytes"));
}

TEST(Safetensors, a_message_shows_no_control_characters) {
    EXPECT_THAT(message_of(R"({"a\n\u0007": {"dtype": "U8", "shape": [2], "data_offsets": [0, 1]}})", 1),
                HasSubstr("\"a  \" has 1 bytes"));
}

}  // namespace
}  // namespace stele

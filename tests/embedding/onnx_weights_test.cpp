#include "embedding/onnx_weights.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "model_files.hpp"

namespace stele {
namespace {

using testing::as_file;
using testing::bytes_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;
using testing::onnx_file;
using testing::onnx_node;
using testing::onnx_tensor;
using testing::OnnxType;
using testing::ProtobufWriter;

constexpr const char* kQuery = "encoder.layer.0.attention.self.query.weight";
constexpr const char* kQueryNode = "/encoder/layer.0/attention/self/query/MatMul";

std::string floats(std::initializer_list<float> values) {
    return bytes_of(std::vector<float>(values));
}

// Two inputs, three outputs.
std::string query_matrix(std::string_view name = "onnx::MatMul_7") {
    return onnx_tensor(name, OnnxType::f32, {2, 3}, floats({1, 2, 3, 4, 5, 6}));
}

std::string query_node(const std::string& matrix = "onnx::MatMul_7") {
    return onnx_node(kQueryNode, "MatMul", {"/embeddings/LayerNorm/Add_1_output_0", matrix});
}

struct Quantized {
    std::string matrix = onnx_tensor("onnx::MatMul_7_quantized", OnnxType::i8, {2, 3}, "\x01\x02\x03\xff\xfe\xfd");
    std::string scale = onnx_tensor("onnx::MatMul_7_scale", OnnxType::f32, {3}, floats({0.5F, 0.25F, 2}));
    std::string zero_point = onnx_tensor("onnx::MatMul_7_zero_point", OnnxType::i8, {3}, std::string(3, '\0'));
    std::string node = onnx_node(
        std::string(kQueryNode) + "_quant", "MatMulInteger",
        {"activations_quantized", "onnx::MatMul_7_quantized", "activations_zero_point", "onnx::MatMul_7_zero_point"});

    std::string file() const { return onnx_file({matrix, scale, zero_point}, {node}); }
};

std::string message_of(const std::string& file) {
    const auto read = read_onnx(as_file(file));
    if (read) return "no error";
    EXPECT_EQ(read.error().code, ErrorCode::invalid_argument);
    return read.error().message;
}

TEST(OnnxWeights, an_anonymous_matrix_is_called_after_the_node_that_uses_it) {
    const std::string file = onnx_file({query_matrix(), onnx_tensor("onnx::Add_9", OnnxType::f32, {1}, floats({1}))},
                                       {onnx_node("/encoder/Constant", "Constant", {}), query_node(),
                                        onnx_node("/encoder/layer.0/attention/self/MatMul", "MatMul", {"a", "b"})});
    const auto tensors = read_onnx(as_file(file));
    ASSERT_TRUE(tensors) << tensors.error().message;
    EXPECT_THAT(*tensors, ElementsAre(Key(kQuery)));
    const Tensor& query = tensors->at(kQuery);
    EXPECT_EQ(query.type, Tensor::Type::f32);
    EXPECT_THAT(query.shape, ElementsAre(2U, 3U));
    EXPECT_TRUE(query.input_major);
    EXPECT_TRUE(query.scales.empty());
    // A view.
    EXPECT_GE(query.bytes.data(), as_file(file).data());
    EXPECT_LE(query.bytes.data() + query.bytes.size(), as_file(file).data() + file.size());
    float last = 0;
    std::memcpy(&last, &query.bytes[20], sizeof last);
    EXPECT_EQ(last, 6.0F);
}

TEST(OnnxWeights, named_tensors_keep_their_names_and_lose_what_wraps_the_bert) {
    const auto tensors = read_onnx(as_file(onnx_file(
        {query_matrix(), onnx_tensor("bert.embeddings.LayerNorm.bias", OnnxType::f16, {2}, "1234"),
         onnx_tensor("model.encoder.layer.0.output.dense.bias", OnnxType::f32, {1}, floats({1})),
         onnx_tensor("embeddings.position_ids", OnnxType::i64, {1}, "12345678"),
         onnx_tensor("pooler.dense.bias", OnnxType::f32, {1}, floats({1}))},
        {onnx_node("/bert/encoder/layer.0/attention/self/query/MatMul", "MatMul", {"x", "onnx::MatMul_7"})})));
    ASSERT_TRUE(tensors) << tensors.error().message;
    EXPECT_THAT(*tensors,
                ElementsAre(Key("embeddings.LayerNorm.bias"), Key(kQuery), Key("encoder.layer.0.output.dense.bias")));
    EXPECT_EQ(tensors->at("embeddings.LayerNorm.bias").type, Tensor::Type::f16);
    EXPECT_FALSE(tensors->at("embeddings.LayerNorm.bias").input_major);
}

TEST(OnnxWeights, a_named_matrix_is_input_major_only_where_a_product_uses_it_as_it_is) {
    const auto direct =
        read_onnx(as_file(onnx_file({query_matrix(kQuery)}, {onnx_node("n", "MatMul", {"x", kQuery})})));
    ASSERT_TRUE(direct) << direct.error().message;
    EXPECT_TRUE(direct->at(kQuery).input_major);
    const auto turned =
        read_onnx(as_file(onnx_file({query_matrix(kQuery)}, {onnx_node("t", "Transpose", {kQuery}),
                                                             onnx_node(kQueryNode, "MatMul", {"x", "t_output_0"})})));
    ASSERT_TRUE(turned) << turned.error().message;
    EXPECT_FALSE(turned->at(kQuery).input_major);
}

TEST(OnnxWeights, an_eight_bit_matrix_has_a_scale_for_each_output) {
    const std::string file = Quantized().file();
    const auto tensors = read_onnx(as_file(file));
    ASSERT_TRUE(tensors) << tensors.error().message;
    EXPECT_THAT(*tensors, ElementsAre(Key(kQuery)));
    const Tensor& query = tensors->at(kQuery);
    EXPECT_EQ(query.type, Tensor::Type::i8);
    EXPECT_THAT(query.shape, ElementsAre(2U, 3U));
    EXPECT_TRUE(query.input_major);
    EXPECT_THAT(query.scales, ElementsAre(0.5F, 0.25F, 2.0F));
    EXPECT_EQ(query.zero_point, 0);
    EXPECT_EQ(query.bytes[3], std::byte{0xff});
}

TEST(OnnxWeights, an_eight_bit_table_has_one_scale_and_zero_point) {
    // As the quantiser writes them: not as raw bytes.
    const std::string name = "bert.embeddings.word_embeddings.weight";
    const std::string scale =
        ProtobufWriter().number(2, 1).bytes(4, floats({0.125F})).bytes(8, name + "_scale").message();
    const std::string zero = ProtobufWriter()
                                 .number(2, 2)
                                 .bytes(5, ProtobufWriter().packed(130).message())
                                 .bytes(8, name + "_zero_point")
                                 .message();
    const std::string file = onnx_file(
        {query_matrix(), onnx_tensor(name + "_quantized", OnnxType::u8, {2, 2}, "\x80\x81\x82\x83"), scale, zero},
        {query_node()});
    const auto tensors = read_onnx(as_file(file));
    ASSERT_TRUE(tensors) << tensors.error().message;
    EXPECT_THAT(*tensors, ElementsAre(Key("embeddings.word_embeddings.weight"), Key(kQuery)));
    const Tensor& words = tensors->at("embeddings.word_embeddings.weight");
    EXPECT_EQ(words.type, Tensor::Type::u8);
    EXPECT_THAT(words.scales, ElementsAre(0.125F));
    EXPECT_EQ(words.zero_point, 130);
    EXPECT_FALSE(words.input_major);
}

TEST(OnnxWeights, zero_points_may_be_negative_or_absent_but_not_differ) {
    const auto with_zero_points = [](OnnxType type, std::string_view packed) {
        Quantized parts;
        parts.zero_point = ProtobufWriter()
                               .number(2, static_cast<std::uint64_t>(type))
                               .bytes(5, packed)
                               .bytes(8, "onnx::MatMul_7_zero_point")
                               .message();
        return parts.file();
    };
    const std::string minus_three = ProtobufWriter().packed(static_cast<std::uint64_t>(-3)).message();
    const auto read = read_onnx(as_file(with_zero_points(OnnxType::i8, minus_three + minus_three)));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->at(kQuery).zero_point, -3);

    Quantized absent;
    absent.zero_point = onnx_tensor("other", OnnxType::i64, {}, "");
    EXPECT_EQ(message_of(absent.file()), "no error");

    EXPECT_THAT(message_of(with_zero_points(OnnxType::i8, minus_three + std::string(1, '\0'))),
                HasSubstr("zero points"));
    EXPECT_THAT(message_of(with_zero_points(OnnxType::i8, ProtobufWriter().packed(128).message())),
                HasSubstr("zero points"));
    EXPECT_THAT(message_of(with_zero_points(OnnxType::i8, "\x80")), HasSubstr("zero points"));
    EXPECT_THAT(message_of(with_zero_points(OnnxType::i8, "")), HasSubstr("zero points"));
    Quantized differing;
    differing.zero_point = onnx_tensor("onnx::MatMul_7_zero_point", OnnxType::i8, {3}, std::string_view("\0\1\0", 3));
    EXPECT_THAT(message_of(differing.file()), HasSubstr("zero points"));
}

TEST(OnnxWeights, scales_that_cannot_be_used_are_refused) {
    Quantized parts;
    parts.scale = onnx_tensor("onnx::MatMul_7_scale", OnnxType::f32, {2}, floats({1, 1}));
    EXPECT_THAT(message_of(parts.file()), HasSubstr("has 2 scales"));
    parts.scale = onnx_tensor("onnx::MatMul_7_scale", OnnxType::f32, {}, "");
    EXPECT_THAT(message_of(parts.file()), HasSubstr("has 0 scales"));
    parts.scale = onnx_tensor("onnx::MatMul_7_scale", OnnxType::f32, {}, "12345");
    EXPECT_THAT(message_of(parts.file()), HasSubstr("scales"));
    parts.scale = onnx_tensor("onnx::MatMul_7_scale", OnnxType::f64, {}, "12345678");
    EXPECT_THAT(message_of(parts.file()), HasSubstr("no scale"));
    parts.scale = onnx_tensor("another_scale", OnnxType::f32, {}, floats({1}));
    EXPECT_THAT(message_of(parts.file()), HasSubstr("no scale"));
    parts.scale =
        onnx_tensor("onnx::MatMul_7_scale", OnnxType::f32, {}, floats({std::numeric_limits<float>::infinity()}));
    EXPECT_THAT(message_of(parts.file()), HasSubstr("not finite"));
    parts.scale = onnx_tensor("onnx::MatMul_7_scale", OnnxType::f32, {}, floats({3}));
    EXPECT_EQ(message_of(parts.file()), "no error");
}

TEST(OnnxWeights, a_tensor_must_have_the_bytes_of_its_shape) {
    const auto with = [](const std::string& tensor) { return message_of(onnx_file({tensor}, {query_node()})); };
    EXPECT_THAT(with(onnx_tensor("onnx::MatMul_7", OnnxType::f32, {2, 4}, floats({1, 2}))), HasSubstr("has 8 bytes"));
    EXPECT_THAT(with(onnx_tensor("onnx::MatMul_7", OnnxType::f32, {std::size_t{1} << 62U, 4}, "")),
                HasSubstr("has 0 bytes"));
    EXPECT_THAT(with(onnx_tensor("onnx::MatMul_7", OnnxType::f32, {static_cast<std::size_t>(-1)}, "1234")),
                HasSubstr("4 bytes"));
    EXPECT_THAT(with(onnx_tensor("onnx::MatMul_7", OnnxType::f32, {2}, floats({1, 2}))), HasSubstr("is no matrix"));
    EXPECT_THAT(with(onnx_tensor("onnx::MatMul_7", OnnxType::f32, std::vector<std::size_t>(9, 1), floats({1}))),
                HasSubstr("cannot be read"));
    // Packed, as proto3 may write the shape.
    const std::string packed = ProtobufWriter()
                                   .bytes(1, ProtobufWriter().packed(1).packed(2).message())
                                   .number(2, 1)
                                   .bytes(8, "onnx::MatMul_7")
                                   .bytes(9, floats({1, 2}))
                                   .message();
    EXPECT_EQ(with(packed), "no error");
    EXPECT_THAT(with(query_matrix() + ProtobufWriter().number(14, 1).message()), HasSubstr("kept in another file"));
}

TEST(OnnxWeights, names_that_come_twice_are_refused) {
    EXPECT_THAT(message_of(onnx_file({query_matrix(), query_matrix()}, {query_node()})), HasSubstr("two tensors are"));
    EXPECT_THAT(message_of(onnx_file({query_matrix(), query_matrix("b")}, {query_node(), query_node("b")})),
                HasSubstr("two tensors are \"" + std::string(kQuery)));
    EXPECT_THAT(message_of(onnx_file({query_matrix(), query_matrix(kQuery)}, {query_node()})),
                HasSubstr("two tensors are"));
}

TEST(OnnxWeights, a_graph_whose_matrices_cannot_be_told_apart_is_refused) {
    EXPECT_THAT(
        message_of(onnx_file({query_matrix()}, {onnx_node("node_MatMul_48", "MatMul", {"x", "onnx::MatMul_7"})})),
        HasSubstr("no node is called"));
    const std::string attention =
        onnx_node("a", "Attention", {"x", "qkv"}) + ProtobufWriter().bytes(7, "com.microsoft").message();
    EXPECT_THAT(message_of(onnx_file({}, {attention})), HasSubstr("its operator Attention"));
    EXPECT_EQ(message_of(onnx_file({query_matrix()}, {query_node(), attention})), "no error");
}

TEST(OnnxWeights, no_cut_of_a_file_passes_for_the_whole) {
    const std::string file = Quantized().file();
    for (std::size_t size = 0; size < file.size(); ++size)
        EXPECT_NE(message_of(file.substr(0, size)), "no error") << size;
}

TEST(OnnxWeights, what_is_no_protobuf_is_refused) {
    for (const std::string& file :
         {std::string("<html>"), std::string(64, '\xff'), std::string(64, '\0'), std::string("\x3b\x3c"),
          ProtobufWriter().bytes(7, "\x0f").message(), ProtobufWriter().bytes(7, "\x2a\x01\xff").message(),
          ProtobufWriter().bytes(7, "\x0a\x01\xff").message()})
        EXPECT_THAT(message_of(file), HasSubstr("no ONNX model, or a damaged one"));
    EXPECT_THAT(message_of(""), HasSubstr("holds no whole graph"));
}

}  // namespace
}  // namespace stele

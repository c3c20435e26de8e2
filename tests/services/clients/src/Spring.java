// A client that is not ours: Spring Kafka's ReplyingKafkaTemplate sends a command on an inbox and waits for its reply.
// Run by ../spring, which says its arguments.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.common.config.SslConfigs;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.listener.ContainerProperties;
import org.springframework.kafka.listener.KafkaMessageListenerContainer;
import org.springframework.kafka.requestreply.ReplyingKafkaTemplate;
import org.springframework.kafka.support.KafkaHeaders;
import org.springframework.kafka.support.TopicPartitionOffset;

public class Spring {
    static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    /** What could not even be asked: ends with 2. */
    static class Wrong extends RuntimeException {
        Wrong(String why) {
            super(why);
        }
    }

    /** `--name value` pairs. */
    record Asked(Map<String, String> values) {
        static Asked of(String[] arguments) {
            var values = new HashMap<String, String>();
            for (int at = 0; at < arguments.length; at += 2) {
                if (!arguments[at].startsWith("--") || at + 1 == arguments.length) {
                    throw new Wrong("arguments are --name value, not " + arguments[at]);
                }
                values.put(arguments[at].substring(2), arguments[at + 1]);
            }
            return new Asked(values);
        }

        String text(String name, String otherwise) {
            var value = values.getOrDefault(name, otherwise);
            if (value == null) {
                throw new Wrong("--" + name + " is missing");
            }
            return value;
        }

        int number(String name, String otherwise) {
            return Integer.parseInt(text(name, otherwise));
        }
    }

    /** A schema registry with Confluent's interface, only asked, never told. */
    static class Registry {
        final String url;
        final HttpClient http = HttpClient.newHttpClient();
        final Map<Integer, Schema> known = new ConcurrentHashMap<>();

        Registry(String url) {
            this.url = url.replaceAll("/+$", "");
        }

        JsonNode get(String path) throws Exception {
            var request = HttpRequest.newBuilder(URI.create(url + path)).timeout(Duration.ofSeconds(10)).build();
            var answer = http.send(request, HttpResponse.BodyHandlers.ofString());
            if (answer.statusCode() != 200) {
                throw new Wrong(url + path + ": " + answer.statusCode() + " " + answer.body());
            }
            return JSON.readTree(answer.body());
        }

        byte[] encode(String subject, JsonNode fields) throws Exception {
            var found = get("/subjects/" + URLEncoder.encode(subject, StandardCharsets.UTF_8) + "/versions/latest");
            var schema = new Schema.Parser().parse(found.get("schema").asText());
            var decoder = DecoderFactory.get().jsonDecoder(schema, fields.toString());
            var record = new GenericDatumReader<GenericRecord>(schema).read(null, decoder);
            var bytes = new ByteArrayOutputStream();
            var framed = new DataOutputStream(bytes);
            framed.writeByte(0);
            framed.writeInt(found.get("id").asInt());
            var encoder = EncoderFactory.get().binaryEncoder(framed, null);
            new GenericDatumWriter<GenericRecord>(schema).write(record, encoder);
            encoder.flush();
            return bytes.toByteArray();
        }

        /** A record as JSON; what is no Avro of ours, as text. */
        Map<String, Object> decode(byte[] value) throws Exception {
            var shown = new LinkedHashMap<String, Object>();
            if (value == null || value.length < 5 || value[0] != 0) {
                shown.put("text", value == null ? null : new String(value, StandardCharsets.UTF_8));
                return shown;
            }
            int id = ByteBuffer.wrap(value, 1, 4).getInt();
            var schema = known.get(id);
            if (schema == null) {
                schema = new Schema.Parser().parse(get("/schemas/ids/" + id).get("schema").asText());
                known.put(id, schema);
            }
            var decoder = DecoderFactory.get().binaryDecoder(value, 5, value.length - 5, null);
            var record = new GenericDatumReader<GenericRecord>(schema).read(null, decoder);
            shown.put("type", schema.getFullName());
            shown.put("record", JSON.readTree(record.toString()));
            return shown;
        }
    }

    static Map<String, Object> kafka(Asked asked) {
        var settings = new HashMap<String, Object>();
        settings.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, asked.text("bootstrap", null));
        var authority = asked.text("ca", "");
        if (!authority.isEmpty()) {
            var mechanism = asked.text("mechanism", "SCRAM-SHA-512");
            var module = mechanism.startsWith("SCRAM") ? "scram.ScramLoginModule" : "plain.PlainLoginModule";
            settings.put(CommonClientConfigs.SECURITY_PROTOCOL_CONFIG, "SASL_SSL");
            settings.put(SslConfigs.SSL_TRUSTSTORE_TYPE_CONFIG, "PEM");
            settings.put(SslConfigs.SSL_TRUSTSTORE_LOCATION_CONFIG, authority);
            settings.put(SaslConfigs.SASL_MECHANISM, mechanism);
            settings.put(SaslConfigs.SASL_JAAS_CONFIG, "org.apache.kafka.common.security." + module
                + " required username=\"" + asked.text("user", "upstream")
                + "\" password=\"" + asked.text("password", "upstream-secret") + "\";");
        }
        return settings;
    }

    /** Reads one partition of the replies from its end on, committed only; Java's default is not (K6). */
    static KafkaMessageListenerContainer<String, byte[]> replies(Asked asked) {
        var settings = kafka(asked);
        settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        var factory = new DefaultKafkaConsumerFactory<>(settings, new StringDeserializer(), new ByteArrayDeserializer());
        var place = new TopicPartitionOffset(asked.text("replies", "replies.upstream"), asked.number("reply-partition", "0"),
            TopicPartitionOffset.SeekPosition.END);
        var properties = new ContainerProperties(place);
        properties.setAckMode(ContainerProperties.AckMode.MANUAL);
        return new KafkaMessageListenerContainer<>(factory, properties);
    }

    static ProducerRecord<String, byte[]> command(Asked asked, Registry registry, int number) throws Exception {
        var inbox = asked.text("inbox", null);
        var fields = JSON.readTree(asked.text("record", null).replace("{n}", Integer.toString(number)));
        var value = asked.text("raw", "false").equals("true")
            ? JSON.writer().without(SerializationFeature.INDENT_OUTPUT).writeValueAsBytes(fields)
            : registry.encode(asked.text("subject", inbox + "-value"), fields);
        var tenant = asked.text("tenant", "acme");
        var id = asked.text("id", null).replace("{n}", Integer.toString(number));
        var record = new ProducerRecord<>(inbox, null, tenant + "/" + id, value);
        var event = asked.text("event-id", UUID.randomUUID().toString());
        var said = new LinkedHashMap<String, String>();
        said.put("ce_specversion", "1.0");
        said.put("ce_id", event);
        said.put("ce_source", asked.text("source", "spring-client"));
        said.put("ce_type", asked.text("type", "unknown"));
        said.put("ce_time", Instant.now().toString());
        said.put("ce_subject", id);
        said.put("ce_tenantid", tenant);
        said.put("ce_correlationid", event);
        said.forEach((name, text) -> record.headers().add(name, text.getBytes(StandardCharsets.UTF_8)));
        // Where an answer is wanted: Spring's template adds these itself only where it can guess the topic.
        record.headers().add(KafkaHeaders.REPLY_TOPIC, asked.text("replies", "replies.upstream").getBytes(StandardCharsets.UTF_8));
        record.headers().add(KafkaHeaders.REPLY_PARTITION,
            ByteBuffer.allocate(4).putInt(asked.number("reply-partition", "0")).array());
        return record;
    }

    static Map<String, Object> shown(ConsumerRecord<String, byte[]> reply, Registry registry) throws Exception {
        var shown = new LinkedHashMap<String, Object>();
        shown.put("topic", reply.topic());
        shown.put("partition", reply.partition());
        shown.put("offset", reply.offset());
        shown.put("key", reply.key());
        var headers = new LinkedHashMap<String, String>();
        for (Header header : reply.headers()) {
            var text = new String(header.value(), StandardCharsets.UTF_8);
            var binary = header.key().equals(KafkaHeaders.CORRELATION_ID) || header.key().equals(KafkaHeaders.REPLY_PARTITION);
            headers.put(header.key(), binary ? java.util.HexFormat.of().formatHex(header.value()) : text);
        }
        shown.put("headers", headers);
        shown.putAll(registry.decode(reply.value()));
        return shown;
    }

    static int run(Asked asked) throws Exception {
        var registry = new Registry(asked.text("registry", ""));
        var settings = kafka(asked);
        settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        settings.put(ProducerConfig.ACKS_CONFIG, "all");
        var producers = new DefaultKafkaProducerFactory<>(settings, new StringSerializer(), new ByteArraySerializer());
        var template = new ReplyingKafkaTemplate<>(producers, replies(asked));
        // Several clients may read one partition of the replies: what is another's is not an error.
        template.setSharedReplyTopic(true);
        // Everything else as Spring has it: kafka_correlationId, 16 bytes, expected back as they were.
        var header = asked.text("correlation-header", "");
        if (!header.isEmpty()) {
            template.setCorrelationHeaderName(header);
            template.setBinaryCorrelation(false);
        }
        template.afterPropertiesSet();
        template.start();
        var answers = new ArrayList<Map<String, Object>>();
        var missing = 0;
        try {
            if (!template.waitForAssignment(Duration.ofSeconds(20))) {
                throw new Wrong("the partition of the replies was not assigned in 20 s");
            }
            var timeout = Duration.ofSeconds(asked.number("timeout", "30"));
            for (int number = 0; number < asked.number("count", "1"); number++) {
                var began = System.nanoTime();
                var answer = new LinkedHashMap<String, Object>();
                var command = command(asked, registry, number);
                var future = template.sendAndReceive(command, timeout);
                var sent = future.getSendFuture().get(20, TimeUnit.SECONDS).getRecordMetadata();
                answer.put("sent", Map.of("topic", sent.topic(), "partition", sent.partition(), "offset", sent.offset(),
                    "key", command.key()));
                try {
                    answer.put("reply", shown(future.get(timeout.toMillis() + 5_000, TimeUnit.MILLISECONDS), registry));
                } catch (ExecutionException | TimeoutException why) {
                    missing++;
                    answer.put("reply", null);
                    answer.put("why", String.valueOf(why.getCause() == null ? why : why.getCause()));
                }
                answer.put("after_ms", (System.nanoTime() - began) / 1_000_000);
                answers.add(answer);
            }
        } finally {
            template.stop();
            template.destroy();
            producers.destroy();
        }
        System.out.println(JSON.writeValueAsString(Map.of("answers", answers, "missing", missing)));
        return missing == 0 ? 0 : 1;
    }

    public static void main(String[] arguments) {
        int ends;
        try {
            ends = run(Asked.of(arguments));
        } catch (Exception why) {
            System.err.println("spring: " + why);
            ends = 2;
        }
        System.exit(ends);
    }
}

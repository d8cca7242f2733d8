/* SPDX-License-Identifier: Apache-2.0 */
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyStore;
import java.security.Provider;
import java.security.Security;
import java.util.Collections;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import sun.security.pkcs11.wrapper.CK_ATTRIBUTE;
import sun.security.pkcs11.wrapper.CK_MECHANISM;
import sun.security.pkcs11.wrapper.PKCS11;
import sun.security.pkcs11.wrapper.PKCS11Constants;

/**
 * A Java program over a PKCS#11 module: lists the keys of a KeyStore, and signs by one of them in
 * two ways. Java's own interface knows no vendor's mechanisms, but HMACs, with which the chain of
 * SigV4 begins; Java's wrapper of PKCS#11 takes any number for a mechanism.
 *
 * Pkcs11User CONFIGURATION ALIAS SCOPE TEXT-FILE, with the PIN in the environment
 */
public final class Pkcs11User {
    private static final long CKM_HSMIAM_AWS_SIGV4 = 0xC8534902L;

    private static byte[] hmac(Key key, String text) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(key);
        return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    }

    /** The first key of the chain is the token's, the others are derived here. */
    private static byte[] signByHmac(Key key, String scope, String text) throws Exception {
        for (String part : scope.split("/")) {
            key = new SecretKeySpec(hmac(key, part), "HmacSHA256");
        }
        return hmac(key, text);
    }

    private static byte[] signByMechanism(
            PKCS11 module, long slot, String alias, String scope, String text) throws Exception {
        long session =
                module.C_OpenSession(slot, PKCS11Constants.CKF_SERIAL_SESSION, null, null);
        module.C_FindObjectsInit(
                session,
                new CK_ATTRIBUTE[] {
                    new CK_ATTRIBUTE(
                            PKCS11Constants.CKA_CLASS, PKCS11Constants.CKO_SECRET_KEY),
                    new CK_ATTRIBUTE(PKCS11Constants.CKA_LABEL, alias.toCharArray())
                });
        long[] found = module.C_FindObjects(session, 2);
        module.C_FindObjectsFinal(session);
        module.C_SignInit(
                session,
                new CK_MECHANISM(CKM_HSMIAM_AWS_SIGV4, scope.getBytes(StandardCharsets.UTF_8)),
                found[0]);
        byte[] signature = module.C_Sign(session, text.getBytes(StandardCharsets.UTF_8));
        module.C_CloseSession(session);
        return signature;
    }

    public static void main(String[] arguments) throws Exception {
        String alias = arguments[1];
        String scope = arguments[2];
        String text = Files.readString(Path.of(arguments[3]));
        char[] pin = System.getenv("PIN").toCharArray();
        Provider provider = Security.getProvider("SunPKCS11").configure(arguments[0]);
        Security.addProvider(provider);

        KeyStore store = KeyStore.getInstance("PKCS11", provider);
        store.load(null, pin);
        for (String name : Collections.list(store.aliases())) {
            System.out.println("alias " + name);
        }
        HexFormat hex = HexFormat.of();
        Key key = store.getKey(alias, null);
        System.out.println("hmac " + hex.formatHex(signByHmac(key, scope, text)));
        PKCS11 module = PKCS11.getInstance(System.getenv("MODULE"), "C_GetFunctionList", null, true);
        long slot = module.C_GetSlotList(true)[0];
        System.out.println("mechanism "
                + hex.formatHex(signByMechanism(module, slot, alias, scope, text)));
    }
}

package example;

import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;

/** Provider PORT SERIALIZATION: serves Example, group "blue", version 1.0.0, until it is terminated. */
public final class Provider {
    private Provider() {}

    public static void main(String[] arguments) throws Exception {
        ProtocolConfig protocol = new ProtocolConfig("dubbo", Integer.parseInt(arguments[0]));
        protocol.setHost("sidecar");
        protocol.setSerialization(arguments[1]);
        ServiceConfig<Example> service = new ServiceConfig<>();
        ApplicationConfig application = new ApplicationConfig("provider");
        application.setQosEnable(false);
        service.setApplication(application);
        service.setRegistry(new RegistryConfig("N/A"));
        service.setProtocol(protocol);
        service.setInterface(Example.class);
        service.setGroup("blue");
        service.setVersion("1.0.0");
        service.setRef(new Answers("provider", name -> null));
        service.export();
        System.out.println("ready");
        Thread.currentThread().join();
    }
}

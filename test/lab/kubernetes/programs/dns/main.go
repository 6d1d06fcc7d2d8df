// dns answers for the names of services as CoreDNS does, started with CoreDNS's own arguments and probes. Debian has no package of that.
// It knows the services of the cluster and the pods behind headless ones; for every other name it has no answer, as the cluster is offline.
package main

import (
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/miekg/dns"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

const timeToLive = 30

type zone struct {
	domain    string
	services  listers.ServiceLister
	endpoints listers.EndpointsLister
}

func main() {
	flag.String("conf", "", "accepted: there is nothing to configure")
	domain := flag.String("domain", "cluster.local", "the domain of the cluster")
	flag.Parse()
	config, err := rest.InClusterConfig()
	if err != nil {
		log.Fatal(err)
	}
	factory := informers.NewSharedInformerFactory(kubernetes.NewForConfigOrDie(config), time.Hour)
	known := factory.Core().V1()
	served := &zone{domain: "." + *domain + ".", services: known.Services().Lister(), endpoints: known.Endpoints().Lister()}
	ready := []cache.InformerSynced{known.Services().Informer().HasSynced, known.Endpoints().Informer().HasSynced}
	factory.Start(nil)

	isReady := func() bool {
		for _, synced := range ready {
			if !synced() {
				return false
			}
		}
		return true
	}
	go func() { log.Fatal(http.ListenAndServe(":8080", answerWhen(func() bool { return true }))) }()
	go func() { log.Fatal(http.ListenAndServe(":8181", answerWhen(isReady))) }()
	for _, protocol := range []string{"udp", "tcp"} {
		server := &dns.Server{Addr: ":53", Net: protocol, Handler: served}
		go func() { log.Fatal(server.ListenAndServe()) }()
	}
	cache.WaitForCacheSync(nil, ready...)
	log.Printf("serving %s as %s", *domain, os.Getenv("HOSTNAME"))
	select {}
}

func answerWhen(isWell func() bool) http.HandlerFunc {
	return func(response http.ResponseWriter, _ *http.Request) {
		if !isWell() {
			response.WriteHeader(http.StatusServiceUnavailable)
		}
	}
}

func (z *zone) ServeDNS(writer dns.ResponseWriter, request *dns.Msg) {
	reply := new(dns.Msg)
	reply.SetReply(request)
	reply.Authoritative = true
	if len(request.Question) == 1 {
		question := request.Question[0]
		addresses, exists := z.find(strings.ToLower(question.Name))
		if !exists {
			reply.Rcode = dns.RcodeNameError
		}
		for _, address := range addresses {
			header := dns.RR_Header{Name: question.Name, Class: dns.ClassINET, Ttl: timeToLive, Rrtype: question.Qtype}
			switch v4 := address.To4(); {
			case v4 != nil && question.Qtype == dns.TypeA:
				reply.Answer = append(reply.Answer, &dns.A{Hdr: header, A: v4})
			case v4 == nil && question.Qtype == dns.TypeAAAA:
				reply.Answer = append(reply.Answer, &dns.AAAA{Hdr: header, AAAA: address})
			}
		}
	}
	if err := writer.WriteMsg(reply); err != nil {
		log.Print(err)
	}
}

// find knows SERVICE.NAMESPACE.svc.DOMAIN, and POD.SERVICE.NAMESPACE.svc.DOMAIN of headless services.
func (z *zone) find(name string) ([]net.IP, bool) {
	if !strings.HasSuffix(name, ".svc"+z.domain) {
		return nil, false
	}
	words := strings.Split(strings.TrimSuffix(name, ".svc"+z.domain), ".")
	if len(words) < 2 || len(words) > 3 {
		return nil, len(words) == 1 && z.isNamespace(words[0])
	}
	service, err := z.services.Services(words[len(words)-1]).Get(words[len(words)-2])
	if err != nil {
		return nil, false
	}
	if service.Spec.ClusterIP != core.ClusterIPNone {
		return parseAll(service.Spec.ClusterIPs), len(words) == 2
	}
	behind, err := z.endpoints.Endpoints(service.Namespace).Get(service.Name)
	if err != nil {
		return nil, false
	}
	var found []string
	for _, subset := range behind.Subsets {
		for _, address := range subset.Addresses {
			if len(words) == 2 || address.Hostname == words[0] {
				found = append(found, address.IP)
			}
		}
	}
	return parseAll(found), len(words) == 2 || len(found) > 0
}

// A name above services exists without having an address.
func (z *zone) isNamespace(name string) bool {
	services, err := z.services.Services(name).List(labels.Everything())
	return err == nil && len(services) > 0
}

func parseAll(texts []string) []net.IP {
	addresses := make([]net.IP, 0, len(texts))
	for _, text := range texts {
		if address := net.ParseIP(text); address != nil {
			addresses = append(addresses, address)
		}
	}
	return addresses
}

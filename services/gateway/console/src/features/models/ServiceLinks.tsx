import { Flex } from 'antd';
import { Link } from 'react-router';

import type { Service } from '@/api/types';
import { ServiceStateTag } from '@/features/services/ServiceStateTag';

/** Services by name, with their states. */
export function ServiceLinks({ services }: { services: Service[] }) {
  return (
    <Flex component="ul" vertical gap={6} style={{ margin: 0, padding: 0, listStyle: 'none' }}>
      {services.map((service) => (
        <Flex component="li" key={service.id} gap={8} align="center" wrap>
          <Link to={`/services/${service.id}`} style={{ overflowWrap: 'anywhere' }}>
            {service.name}
          </Link>
          <span className="numbers">{service.model_number}</span>
          <ServiceStateTag service={service} />
        </Flex>
      ))}
    </Flex>
  );
}
